"""What a network learns from: clips with all their forms, laid out for training."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.data.cache import HalfGrid
from training.data.labels import UNLABELLED
from training.data.preparation import Skipped
from training.data.readers import LabelledClip
from training.fitting.batches import Examples

CLEAN_SHARE = 0.5  # of the windows drawn from a clip that has degraded copies

Array = NDArray[np.float32]

NO_COMMENT = np.zeros((0, 0), dtype=np.float32)
NO_CONTEXT = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Item:
    """One clip with all its forms.

    Attributes
    ----------
    group
        Artist, album, player or guitar.
    label
        Index of its label, ``UNLABELLED`` or ``OUTSIDE``.
    grids
        Its clean features, then those of its copies.
    teacher
        What the teacher says along it, shape [stretches, targets]; maybe no stretch.
    weight
        How often it is drawn, up to a factor.
    companion
        Index of its label of the companion task, ``UNLABELLED`` or ``OUTSIDE``.
    context
        What a finished model hears in it, shape [outputs]; nothing for recipes without.
    """

    group: str
    label: int
    grids: list[HalfGrid]
    teacher: Array
    weight: float
    companion: int = UNLABELLED
    context: Array = field(default_factory=lambda: NO_CONTEXT)


@dataclass(frozen=True)
class Material:
    """Everything to learn from.

    Attributes
    ----------
    clips, items
        The labelled clips, and what there is of each, in the same order.
    others
        Clips without a label of this task: the teacher comments on them, they have a label
        of the companion task, or they are known to be outside of both.
    synthetic
        Rendered clips.
    skipped
        Clips that could not be read.
    songs
        Windows of songs.
    """

    clips: list[LabelledClip]
    items: list[Item]
    others: list[Item]
    synthetic: list[Item]
    skipped: list[Skipped]
    songs: list[Item] = field(default_factory=list)

    def without_groups(self, items: Sequence[Item], groups: set[str]) -> list[Item]:
        """Return given and other items whose group is not held out, and all that is no clip."""
        clips = [item for item in (*items, *self.others) if item.group not in groups]
        return [*clips, *self.synthetic, *self.songs]


def examples(items: Sequence[Item]) -> Examples:
    """Lay items out for training: one entry per form, the clean one drawn most."""
    forms = [
        (item, grid, share)
        for item in items
        for grid, share in zip(item.grids, _shares(len(item.grids)), strict=True)
    ]
    return Examples(
        grids=[grid for _, grid, _ in forms],
        labels=[item.label for item, _, _ in forms],
        companions=[item.companion for item, _, _ in forms],
        weights=np.array([item.weight * share for item, _, share in forms]),
        teacher=[item.teacher for item, _, _ in forms],
    )


def teacher_moments(items: Sequence[Item]) -> Array:
    """Return mean and standard deviation of each of the teacher's targets, shape [2, targets].

    There are no targets if no item has a comment.
    """
    comments = [item.teacher for item in items if len(item.teacher)]
    if not comments:
        return np.zeros((2, 0), dtype=np.float32)
    stacked = np.concatenate(comments)
    moments: Array = np.stack([stacked.mean(axis=0), stacked.std(axis=0)])
    return moments


def _shares(n_forms: int) -> list[float]:
    n_copies = n_forms - 1
    return [CLEAN_SHARE, *[(1 - CLEAN_SHARE) / n_copies] * n_copies] if n_copies else [1.0]
