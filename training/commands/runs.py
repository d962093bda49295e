"""Find the run that a command is about."""

import argparse
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from training.fitting.run_folder import RunFolder
    from training.recipes import Recipe
    from training.results.two_runs import Finished


def run_folder(options: argparse.Namespace) -> Path:
    """Return the folder that was given, or that of the recipe."""
    run: Path | None = options.run
    return run or Path("runs") / options.recipe


def kept(options: argparse.Namespace) -> "tuple[Recipe, RunFolder]":
    """Return a recipe as its run kept it, and the run."""
    from training.fitting.run_folder import RunFolder
    from training.recipes.tables import kept_recipe

    run = RunFolder(run_folder(options))
    return kept_recipe(options.recipe, run.recipe_text()), run


def finished(name: str, folder: Path | None = None) -> "Finished":
    """Return the run of a task, or the one in a folder, with its recipe."""
    from training.fitting.run_folder import RunFolder
    from training.recipes.tables import kept_recipe
    from training.results.two_runs import Finished

    is_folder = folder is None and (Path(name) / "run.json").exists()
    run = RunFolder(Path(name) if is_folder else folder or Path("runs") / name)
    text = run.recipe_text()
    if is_folder:
        name = run.record().task if text is None else tomllib.loads(text).get("name", name)
    return Finished(kept_recipe(name, text), run)
