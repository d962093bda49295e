"""Print a recipe as TOML."""

import argparse
import sys
from pathlib import Path

from training.commands.command import Command
from training.commands.options import add_recipe, add_run
from training.commands.runs import kept


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    add_recipe(parser)
    add_run(parser)
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        help="what tells the labels of a task of your own that no run has trained yet",
    )


def run(options: argparse.Namespace) -> None:
    """Print a recipe as TOML."""
    from training.fitting.chosen_recipe import chosen_recipe
    from training.recipes.tables import recipe_text

    if options.data:
        recipe = chosen_recipe(options.recipe, options.data)
    else:
        recipe, _ = kept(options)
    sys.stdout.write(recipe_text(recipe))


COMMAND = Command(
    "recipe",
    "print a recipe as TOML",
    add_options,
    run,
)
