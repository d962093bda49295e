"""Write a finished run as a bundle, elsewhere or by promoting it; or all bundles for Triton."""

import argparse
import logging
from pathlib import Path

from training.commands.command import Command
from training.commands.options import add_recipe, add_run
from training.commands.promote import add_promotion
from training.commands.promote import run as promote
from training.commands.runs import kept
from training.errors import TrainingError


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    add_recipe(parser, needed=False)
    add_run(parser)
    parser.add_argument("--out", type=Path, help="write DIR/TASK, whatever is there [promote it]")
    parser.add_argument(
        "--triton",
        type=Path,
        metavar="DIR",
        help="write no bundle, but all bundles that are there as a model repository of Triton",
    )
    add_promotion(parser)


def run(options: argparse.Namespace) -> None:
    """Write a finished run as a bundle, elsewhere or by promoting it; or all for Triton."""
    if options.triton is not None:
        _export_to_triton(options)
        return
    if options.recipe is None:
        raise TrainingError("Name the recipe whose run is exported, or --triton and a folder.")
    if options.out is None:
        promote(options)
        return
    from training.results.export import export as write

    folder = write(*kept(options), options.out)
    logging.info("wrote %s", folder)


def _export_to_triton(options: argparse.Namespace) -> None:
    from service.inference.registry import bundle_folders
    from training.results.triton import write_repository

    tasks = [options.recipe] if options.recipe is not None else bundle_folders(options.models)
    if not tasks:
        raise TrainingError(f"There is no bundle in {options.models}.")
    for task in tasks:
        for folder in write_repository(options.models / task, options.triton):
            logging.info("wrote %s", folder)


COMMAND = Command(
    "export",
    "write a finished run as a bundle",
    add_options,
    run,
)
