"""Measure how well what listeners rate is predicted."""

import argparse
import json
import logging

from training.commands.command import Command
from training.commands.options import DATA_HELP, add_data, add_json, write_figures
from training.errors import TrainingError

RECIPE_CHOICES = ("emotion",)

HELP = """\
Fits a line to what the recipe's pretrained network hears in the clips of mood_annotations.csv, for
each scale of training/data/scales.py, on all collections but one, and compares what it says of that
one with what listeners said: Pearson's correlation with its 95% interval. A folder without that
list has nothing to rate. fit does the same for the scales of its recipe, and the service answers
them.
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    parser.add_argument("recipe", choices=RECIPE_CHOICES, help="see training/recipes/")
    add_data(parser)
    add_json(parser)


def run(options: argparse.Namespace) -> None:
    """Measure what listeners rate, on collections that were not learned from."""
    from training.data.cache import FeatureCache
    from training.data.scales import RATINGS_LIST, SCALES
    from training.fitting.ratings import hear, measure, summaries
    from training.recipes import RECIPES

    recipe = RECIPES[options.recipe]
    backbone = recipe.inputs.make_backbone()
    if backbone is None:
        raise TrainingError(f"The recipe {recipe.name} has no pretrained network to rate with.")
    cache = FeatureCache(options.cache)
    heard = hear(recipe, SCALES, options.data, cache, backbone, options.cluster)
    if not heard.rated.clips:
        raise TrainingError(f"None of the folders has ratings in a {RATINGS_LIST}.")
    done = measure(heard, SCALES)
    rows = [rating.model_dump() for rating in done]
    write_figures(options.json, json.dumps(rows, indent=1))
    for line in summaries(done):
        logging.info(line)
    logging.info("all figures in %s", options.json)


COMMAND = Command(
    "ratings",
    "measure how well ratings of listeners are predicted",
    add_options,
    run,
    details=f"{HELP}\n{DATA_HELP}",
)
