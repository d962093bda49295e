"""Compute and cache the features of all clips, or write the data for other programs."""

import argparse
import logging
from collections import Counter
from pathlib import Path

from training.commands.command import Command
from training.commands.options import DATA_HELP, add_data, add_recipe

DATA_FORMATS = ("json", "csv", "parquet")

HELP = """\
Other programs read the data where --format says how:
  csv      features_30_sec.csv and features_3_sec.csv, the columns of Kaggle's GTZAN set: one row a
           clip, and one for each of up to ten pieces of 3 s
  parquet  the same two tables, with data set, group and split as well
  json     data.json: mapping (the labels), and for each piece of 3 s its place in the mapping in
           labels, 13 MFCCs of each frame in mfcc, and files and groups

  python -m training prepare genre --data DATA --format csv --out OUT
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    add_recipe(parser)
    add_data(parser)
    parser.add_argument(
        "--format",
        choices=DATA_FORMATS,
        help="write the data for other programs instead; see below",
    )
    parser.add_argument(
        "--out", type=Path, default=Path("runs/data"), help="where they go [%(default)s]"
    )


def run(options: argparse.Namespace) -> None:
    """Compute and cache the features of all clips, or write them for other programs."""
    if options.format is not None:
        _write_data_set(options)
        return
    from training.data.cache import FeatureCache
    from training.data.filter_banks import make_bank
    from training.data.preparation import prepare as prepare_clips
    from training.fitting.chosen_recipe import chosen_recipe
    from training.fitting.material import read_labelled

    recipe = chosen_recipe(options.recipe, options.data)
    clips = read_labelled(recipe, options.data)
    features, cache = recipe.inputs.features, FeatureCache(options.cache)
    done = prepare_clips(clips, features, make_bank(features), cache, options.cluster)
    for (data_set, split), n in sorted(
        Counter((p.clip.data_set, p.clip.split) for p in done.clips).items()
    ):
        logging.info("%s, split %s: %d clips", data_set, split, n)
    logging.info("%d clips ready, %d skipped", len(done.clips), len(done.skipped))


def _write_data_set(options: argparse.Namespace) -> None:
    from training.data.labels import TASKS
    from training.data.readers import read_data_sets
    from training.forms.data_set import write_data_set

    clips = read_data_sets(options.data, options.recipe, as_written=options.recipe not in TASKS)
    for file in write_data_set(clips, options.format, options.out, options.cluster):
        logging.info("wrote %s", file)


COMMAND = Command(
    "prepare",
    "compute and cache the features of all clips",
    add_options,
    run,
    details=f"{HELP}\n{DATA_HELP}",
    reads_clips=True,
)
