"""Measure a run on changed recordings."""

import argparse
import logging
from pathlib import Path

from training.commands.command import Command
from training.commands.options import DATA_HELP, add_json, add_run, add_seed, write_figures
from training.commands.runs import run_folder

RECIPE_CHOICES = ("genre", "chord", "emotion")

HELP = """\
Clips are sent as they are, 6 dB louder, 6 to 60 dB quieter, as integers in a file of floats, with
an offset, clipped, on one of eight channels, at 16 kHz, as MP3 at 64 kbit/s, with noise at 20 dB,
30 cents higher and lower, and only their first 10, 3 and 0.5 s. Each is judged, with the service's
own functions, by the network of the fold of RUN that never saw its group. Told for each change: the
accuracy, and how many answers are those to the unchanged clip, with 95% intervals over groups.

  python -m training invariance genre --data DATA --count 8 --json invariance.json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument("recipe", choices=RECIPE_CHOICES, help="see training/recipes/")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="see below")
    add_run(parser)
    parser.add_argument(
        "--count",
        type=int,
        default=100,
        help="clips of each data set and fold at most [%(default)s]",
    )
    add_json(parser)
    add_seed(parser)


def run(options: argparse.Namespace) -> None:
    """Measure a run on changed recordings."""
    from training.fitting.run_folder import RunFolder
    from training.recipes import RECIPES
    from training.results.fold_bundles import UnseenJob
    from training.robustness.invariance import measure

    done = measure(
        UnseenJob(
            recipe=RECIPES[options.recipe],
            run=RunFolder(run_folder(options)),
            data=options.data,
            count=options.count,
            seed=options.seed,
        )
    )
    write_figures(options.json, done.model_dump_json(indent=1))
    for figures in done.changes:
        logging.info(
            "%s, %d clips: accuracy %.3f (%.3f to %.3f), same answer %.3f",
            figures.change,
            figures.n,
            figures.accuracy.value,
            figures.accuracy.low,
            figures.accuracy.high,
            figures.same_answer.value,
        )
    logging.info("all figures in %s", options.json)


COMMAND = Command(
    "invariance",
    "measure a run on changed recordings",
    add_options,
    run,
    details=f"{HELP}\n{DATA_HELP}",
)
