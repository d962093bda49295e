"""The networks of a run's folds as bundles, to be asked as the service would about unseen clips."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from service.inference.bundle import Bundle
from service.inference.card import Calibration
from training.data.readers import LabelledClip
from training.fitting.run_folder import HELD_BACK_FOLD, RunFolder
from training.recipes import Recipe
from training.results.export import write_bundle


@dataclass(frozen=True)
class UnseenJob:
    """A question to the networks of a run's folds, about clips that they never saw.

    Attributes
    ----------
    recipe
        What was trained.
    run
        Where it was trained, with the networks of its folds.
    data
        The data sets it was trained on; each fold's clips are taken from them.
    count
        How much to draw of each data set.
    seed
        Seed of everything drawn.
    """

    recipe: Recipe
    run: RunFolder
    data: Sequence[Path]
    count: int
    seed: int


def unseen_clips(
    run: RunFolder, clips: Sequence[LabelledClip]
) -> Iterator[tuple[str, list[LabelledClip]]]:
    """Return the name of each fold with those of the clips that it held out."""
    for fold in run.folds():
        if fold.name != HELD_BACK_FOLD:
            unseen = set(zip(fold.data_sets, fold.groups, strict=True))
            yield fold.name, [clip for clip in clips if (clip.data_set, clip.group) in unseen]


def fold_bundle(
    recipe: Recipe, run: RunFolder, fold: str | None, calibration: Calibration
) -> Bundle:
    """Return the network of a fold, or the final one if there is no name, as a bundle.

    Raises
    ------
    TrainingError
        The run is not finished or kept no such network, or its export differs from Keras.
    """
    network = run.network() if fold is None else run.fold_network(fold)
    with tempfile.TemporaryDirectory() as folder:
        return write_bundle(recipe, run, network, Path(folder) / recipe.name, calibration, [])
