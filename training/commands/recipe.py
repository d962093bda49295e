"""Print a recipe as TOML."""

import argparse
import sys

from training.commands.command import Command
from training.commands.options import add_recipe, add_run
from training.commands.runs import kept


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what it can be told."""
    add_recipe(parser)
    add_run(parser)


def run(options: argparse.Namespace) -> None:
    """Print a recipe as TOML."""
    from training.recipes.tables import recipe_text

    sys.stdout.write(recipe_text(kept(options)[0]))


COMMAND = Command(
    "recipe",
    "print a recipe as TOML",
    add_options,
    run,
)
