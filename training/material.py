"""Gather all that a network learns from: labelled clips, copies, teacher, synthesis."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.features import FilterBank, compute_grid
from training.batches import UNLABELLED, Examples
from training.cache import FeatureCache, HalfGrid
from training.degradation import DegradedAudio
from training.errors import TrainingError
from training.filter_banks import make_bank
from training.labels import TASKS, chord_label
from training.preparation import PreparedClip, Skipped, prepare
from training.readers import AudioFile, LabelledClip, read_data_set
from training.recipes import Recipe
from training.synthesis import INTERVALS, render_chord, render_no_chord
from training.teacher import Teacher

CLEAN_SHARE = 0.5  # of the windows drawn from a clip that has degraded copies
N_SYNTHETIC = 3000
NO_CHORD_SHARE = 0.12
SYNTHETIC_DURATION_S = 2.2

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Item:
    """One clip with all its forms.

    Attributes
    ----------
    group
        Artist, album, player or guitar.
    label
        Index of its label, or ``UNLABELLED``.
    grids
        Its clean features, then those of its degraded copies.
    teacher
        What the teacher says along it, shape [stretches, targets]; maybe no stretch.
    weight
        How often it is drawn, up to a factor.
    """

    group: str
    label: int
    grids: list[HalfGrid]
    teacher: Array
    weight: float


@dataclass(frozen=True)
class Material:
    """Everything to learn from.

    Attributes
    ----------
    clips, items
        The labelled clips, and what there is of each, in the same order.
    taught
        Clips without a label of this task, on which only the teacher comments.
    synthetic
        Rendered clips.
    skipped
        Clips that could not be read.
    """

    clips: list[LabelledClip]
    items: list[Item]
    taught: list[Item]
    synthetic: list[Item]
    skipped: list[Skipped]

    def without_groups(self, items: Sequence[Item], groups: set[str]) -> list[Item]:
        """Return given and taught items whose group is not held out, and all synthetic ones."""
        return [i for i in (*items, *self.taught) if i.group not in groups] + self.synthetic


def gather(
    recipe: Recipe,
    data: Sequence[Path],
    cache: FeatureCache,
    *,
    teacher: Teacher | None,
    seed: int,
    cluster: str | None = None,
) -> Material:
    """Read, prepare and comment all clips of the data sets.

    Raises
    ------
    TrainingError
        No clip can be read.
    """
    found = [clip for path in data for clip in read_data_set(path, recipe.task)]
    wanted = [clip for clip in found if clip.split not in recipe.left_out]
    others = _other_audio(wanted, recipe, data) if teacher else []
    return assemble(
        recipe, wanted, cache, teacher=teacher, others=others, seed=seed, cluster=cluster
    )


def assemble(
    recipe: Recipe,
    wanted: Sequence[LabelledClip],
    cache: FeatureCache,
    *,
    teacher: Teacher | None,
    others: Sequence[LabelledClip],
    seed: int,
    cluster: str | None,
) -> Material:
    """Prepare and comment labelled clips, and others on which only the teacher comments.

    Raises
    ------
    TrainingError
        No labelled clip can be read.
    """
    bank = make_bank(recipe.features)

    def grids(clips: Sequence[LabelledClip]) -> tuple[list[PreparedClip], list[Skipped]]:
        result = prepare(clips, recipe.features, bank, cache, cluster)
        return result.clips, result.skipped

    labelled, skipped = grids(wanted)
    if not labelled:
        raise TrainingError("None of the clips can be read; see the reasons above.")
    clips = [prepared.clip for prepared in labelled]
    copies, _ = grids(_degraded(clips, recipe.degraded_copies))
    heard, _ = grids(others)

    forms = {
        clip.source.name: [prepared.grid] for clip, prepared in zip(clips, labelled, strict=True)
    }
    for copy in copies:
        source = copy.clip.source
        if isinstance(source, DegradedAudio):
            forms[source.original.name].append(copy.grid)
    weights = recipe.weigh(clips)
    items = [
        Item(
            clip.group,
            recipe.labels.index(clip.label),
            forms[clip.source.name],
            comment,
            float(weight),
        )
        for clip, comment, weight in zip(
            clips, _comments(teacher, clips), weights / weights.mean(), strict=True
        )
    ]
    other_clips = [prepared.clip for prepared in heard]
    taught = [
        Item(prepared.clip.group, UNLABELLED, [prepared.grid], comment, 1.0)
        for prepared, comment in zip(heard, _comments(teacher, other_clips), strict=True)
    ]
    synthetic = _synthetic(recipe, bank, items, seed) if recipe.synthetic_share else []
    return Material(clips, items, taught, synthetic, skipped)


def examples(items: Sequence[Item], teacher_scale: "TeacherScale") -> Examples:
    """Lay items out for training: one entry per form, the clean one drawn most."""
    grids, labels, weights, teacher = [], [], [], []
    for item in items:
        n_copies = len(item.grids) - 1
        shares = [CLEAN_SHARE, *[(1 - CLEAN_SHARE) / n_copies] * n_copies] if n_copies else [1.0]
        scaled = teacher_scale.apply(item.teacher)
        for grid, share in zip(item.grids, shares, strict=True):
            grids.append(grid)
            labels.append(item.label)
            weights.append(item.weight * share)
            teacher.append(scaled)
    return Examples(grids, labels, np.array(weights), teacher)


@dataclass(frozen=True)
class TeacherScale:
    """Mean and spread of the teacher's targets, so that all count alike."""

    mean: Array
    spread: Array

    @classmethod
    def of(cls, items: Sequence[Item]) -> "TeacherScale":
        """Measure the targets of the items."""
        stacked = np.concatenate([item.teacher for item in items])
        if not len(stacked):
            empty = np.zeros(stacked.shape[1], dtype=np.float32)
            return cls(empty, empty + 1)
        return cls(stacked.mean(axis=0), stacked.std(axis=0) + np.float32(1e-3))

    def apply(self, targets: Array) -> Array:
        """Scale targets of shape [stretches, targets]."""
        return (targets - self.mean) / self.spread


def _degraded(clips: Sequence[LabelledClip], n_copies: int) -> list[LabelledClip]:
    return [
        replace(clip, source=DegradedAudio(clip.source, copy))
        for copy in range(n_copies)
        for clip in clips
        if isinstance(clip.source, AudioFile)
    ]


def _other_audio(
    clips: Sequence[LabelledClip], recipe: Recipe, data: Sequence[Path]
) -> list[LabelledClip]:
    """Return further audio: labelled for another task, or labelled here as a ready grid."""
    known = {clip.source.name for clip in clips}
    return [
        clip
        for path in data
        for task in recipe.listens_to
        if (path / f"{task}.csv").exists()
        for clip in read_data_set(path / f"{task}.csv", task)
        if isinstance(clip.source, AudioFile) and clip.source.name not in known
    ]


def _comments(teacher: Teacher | None, clips: Sequence[LabelledClip]) -> list[Array]:
    if teacher is None:
        return [np.zeros((0, 0), dtype=np.float32)] * len(clips)
    return teacher.ask([clip.source for clip in clips])


def _synthetic(recipe: Recipe, bank: FilterBank, items: Sequence[Item], seed: int) -> list[Item]:
    """Render guitar chords of all qualities, so many as make up the recipe's share."""
    rng = np.random.default_rng(seed)
    rate_hz = recipe.features.sample_rate_hz
    vocabulary = TASKS["chord"]
    real = sum(item.weight for item in items)
    weight = recipe.synthetic_share / (1 - recipe.synthetic_share) * real / N_SYNTHETIC
    nothing = np.zeros((0, 0), dtype=np.float32)
    rendered = []
    for n in range(N_SYNTHETIC):
        if rng.random() < NO_CHORD_SHARE:
            label = "N"
            samples = render_no_chord(SYNTHETIC_DURATION_S, rate_hz, rng)
        else:
            root, quality = n % 12, str(rng.choice(list(INTERVALS)))
            label = chord_label(root, quality)
            samples = render_chord(root, quality, SYNTHETIC_DURATION_S, rate_hz, rng)
        grid = compute_grid(samples, recipe.features, bank).astype(np.float16)
        rendered.append(Item("synthetic", vocabulary.index(label), [grid], nothing, weight))
    return rendered
