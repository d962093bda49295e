"""What the training of a task is given, and what its finished parts depend on."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from service.inference.bundle_files import MODEL_FILE, file_sha256
from training.data.cache import FeatureCache
from training.data.readers import LabelledClip
from training.fitting.beside import Beside
from training.fitting.items import Item
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe
from training.recipes.tables import recipe_text


@dataclass(frozen=True)
class FitJob:
    """What to train, on what, and where to keep it.

    Attributes
    ----------
    recipe
        How to train.
    data
        Data sets to learn from.
    run
        Where the result goes; a run that was interrupted goes on there.
    cache
        Where features are kept.
    seed
        Seed of everything random.
    beside
        What to learn from beside the labelled data.
    with_folds
        Whether to measure the recipe by folds first; without, the card has few figures.
    cluster
        Address of a Dask scheduler for the features; None for this machine.
    command
        The command line, for the record.
    models
        Finished models, of which the recipe may need one to listen to the clips.
    tensorboard
        Whether to write logs that TensorBoard reads into the run.
    """

    recipe: Recipe
    data: Sequence[Path]
    run: RunFolder
    cache: FeatureCache
    seed: int
    beside: Beside
    with_folds: bool
    cluster: str | None
    command: str
    models: Path = Path("models")
    tensorboard: bool = False


def fingerprint(job: FitJob, clips: Sequence[LabelledClip], beside: Sequence[Item] = ()) -> str:
    """Return a hash of what a run's finished parts depend on, apart from the code.

    That is recipe, seed, the labelled clips, the model that listens to them, and all that is
    learned from beside them, as the network will see it: recordings of folders and further
    lists, sounds rendered with SoundFonts, and songs.
    """
    digest = hashlib.sha256(repr((recipe_text(job.recipe), job.seed)).encode())
    if job.recipe.inputs.context is not None:
        listener = job.models / job.recipe.inputs.context.bundle / MODEL_FILE
        digest.update(repr((job.recipe.inputs.context, file_sha256(listener))).encode())
    for clip in clips:
        known = (clip.label, clip.group, clip.data_set, clip.split)
        digest.update(repr((clip.source.content_key(), known)).encode())
    for item in beside:
        digest.update(repr((item.group, item.label, item.companion)).encode())
        for grid in item.grids:
            digest.update(np.ascontiguousarray(grid).data)
    return digest.hexdigest()
