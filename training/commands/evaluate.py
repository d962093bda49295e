"""Score a bundle on labelled data."""

import argparse
import logging
from pathlib import Path

from training.commands.command import Command
from training.commands.options import DATA_HELP, add_data, write_figures


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument("bundle", type=Path, help="folder of the bundle, such as models/genre")
    add_data(parser)
    parser.add_argument(
        "--page", type=Path, metavar="FILE", help="show it as HTML too, with its pictures as PNG"
    )
    parser.add_argument("--split", help="only clips of this split, such as valid")
    parser.add_argument("--json", type=Path, help="where all figures go, and a row a clip")


def run(options: argparse.Namespace) -> None:
    """Score a bundle on labelled data."""
    from training.data.cache import FeatureCache
    from training.evaluation.evaluate import evaluate as score
    from training.evaluation.evaluate import load_bundle
    from training.evaluation.metrics import with_interval

    cache = FeatureCache(options.cache)
    evaluation = score(options.bundle, options.data, cache, options.split, options.cluster)
    logging.info(
        "%d clips, accuracy %s, balanced accuracy %s",
        evaluation.n,
        with_interval(evaluation.accuracy),
        with_interval(evaluation.balanced_accuracy),
    )
    if options.json is not None:
        write_figures(options.json, evaluation.model_dump_json(indent=1))
        logging.info("wrote %s", options.json)
    if options.page is not None:
        from training.results.evaluation_page import write_evaluation_page

        bundle = load_bundle(options.bundle)
        write_evaluation_page(evaluation, bundle, options.data, options.page, cache)
        logging.info("wrote %s", options.page)


COMMAND = Command(
    "evaluate",
    "score a bundle on labelled data",
    add_options,
    run,
    details=DATA_HELP,
    needs_tensorflow=False,
)
