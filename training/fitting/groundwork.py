"""What is settled before anything is trained: what the data can tell, and what a run must keep."""

import logging
import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from importlib import metadata

from service import __version__
from training.data.near_duplicates import joined, near_duplicates
from training.data.readers import LabelledClip
from training.data.soundness import remarks
from training.data.splits import Fold, measurable_folds
from training.fitting.items import Material
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe
from training.recipes.tables import recipe_text

logger = logging.getLogger(__name__)

NAMED_PAIRS = 10


def write_down(run: RunFolder, recipe: Recipe, clips: Sequence[LabelledClip]) -> list[str]:
    """Keep the recipe and the clips in the run; tell and return what the data cannot tell."""
    run.keep_recipe(recipe_text(recipe))
    run.keep_inputs(clips)
    count = Counter(clip.label for clip in clips)
    logger.info(
        "%d clips of %d groups: %s",
        len(clips),
        len({clip.group for clip in clips}),
        ", ".join(f"{label} {n}" for label, n in sorted(count.items())),
    )
    notes = remarks(clips)
    for note in notes:
        logger.warning(note)
    return notes


def keep_copies_together(material: Material, recipe: Recipe) -> Material:
    """Give clips of one recording one group, so that none is on both sides.

    It is for data that nobody has looked through: those of the shipped tasks stay as they are.
    """
    if not recipe.vocabulary:
        return material
    pairs = near_duplicates([item.grids[0] for item in material.items])
    if not pairs:
        return material
    clips = material.clips
    # Those that contradict each other first: one of the two labels is wrong.
    pairs.sort(key=lambda pair: clips[pair[0]].label == clips[pair[1]].label)
    for one, other in pairs[:NAMED_PAIRS]:
        both = clips[one].source.name, clips[other].source.name
        labels = sorted({clips[one].label, clips[other].label})
        said = f", labelled {' and '.join(labels)}" if len(labels) > 1 else ""
        logger.warning("the same recording: %s, %s%s", *both, said)
    names = sorted({clip.group for clip in clips})
    place = {name: i for i, name in enumerate(names)}
    groups = [(place[clips[one].group], place[clips[other].group]) for one, other in pairs]
    first = joined(len(names), groups)
    group_of = [names[first[place[clip.group]]] for clip in clips]
    logger.warning(
        "pairs of one recording: %d; groups that share one stay on one side of the split, so of %d "
        "groups %d are left",
        len(pairs),
        len(names),
        len(set(first)),
    )
    return replace(
        material,
        clips=[replace(c, group=group) for c, group in zip(clips, group_of, strict=True)],
        items=[replace(i, group=group) for i, group in zip(material.items, group_of, strict=True)],
    )


def folds_of(recipe: Recipe, clips: Sequence[LabelledClip], *, listed: bool) -> list[Fold]:
    """Return the recipe's folds; where it has none for the data, such as can be made of them.

    Parameters
    ----------
    recipe
        How folds are usually made.
    clips
        What may be learned from.
    listed
        Whether there is an official list to measure on as well.
    """
    folds = recipe.validation.folds(clips)
    if folds or listed:
        return folds
    folds = measurable_folds(clips)
    if not folds:
        logger.warning(
            "Nothing can be measured, and so nothing exported: at least two labels need clips of "
            "two groups each, one to learn from and one to be judged on."
        )
    return folds


def versions() -> dict[str, str]:
    """Return the versions of what the figures may depend on."""
    named = ("keras", "librosa", "numpy", "scipy", "tensorflow-cpu", "tensorflow")
    found = {name: _version(name) for name in named}
    return {
        "python": platform.python_version(),
        "this package": __version__,
        **{name: version for name, version in found.items() if version},
    }


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
