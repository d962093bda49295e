"""Gather all that a network learns from: labelled clips, copies, teacher, synthesis."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.audio.files import audio_files
from service.inference.context import Context
from service.inference.features import FilterBank, compute_grid
from training.augmentation.degradation import DegradedAudio
from training.data.cache import FeatureCache, HalfGrid
from training.data.filter_banks import make_bank
from training.data.labels import OUTSIDE, TASKS, UNLABELLED
from training.data.preparation import Preparation, PreparedClip, Skipped, prepare
from training.data.readers import AudioFile, LabelledClip, read_data_sets
from training.errors import TrainingError
from training.fitting.batches import Examples
from training.networks.context import hear_clips, hear_samples
from training.networks.teacher import Teacher
from training.recipes import Recipe
from training.synthesis.sampled_guitar import sampled_guitars

CLEAN_SHARE = 0.5  # of the windows drawn from a clip that has degraded copies
OUTSIDERS_PER_GROUP = 15
OUTSIDERS_PER_FOLDER = 300

Array = NDArray[np.float32]

_NO_COMMENT = np.zeros((0, 0), dtype=np.float32)
_NO_CONTEXT = np.zeros(0, dtype=np.float32)


@dataclass(frozen=True)
class Beside:
    """What the user has to learn from beside labelled data.

    Attributes
    ----------
    outside
        Folders of recordings that have none of the labels, such as speech.
    soundfonts
        SoundFonts whose guitars play half of the rendered chords.
    context
        A finished model that listens to the clips; None for recipes without.
    """

    outside: Sequence[Path] = ()
    soundfonts: Sequence[Path] = ()
    context: Context | None = None


NOTHING_BESIDE = Beside()


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
    context: Array = field(default_factory=lambda: _NO_CONTEXT)


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
    """

    clips: list[LabelledClip]
    items: list[Item]
    others: list[Item]
    synthetic: list[Item]
    skipped: list[Skipped]

    def without_groups(self, items: Sequence[Item], groups: set[str]) -> list[Item]:
        """Return given and other items whose group is not held out, and all synthetic ones."""
        return [i for i in (*items, *self.others) if i.group not in groups] + self.synthetic


def gather(
    recipe: Recipe,
    data: Sequence[Path],
    cache: FeatureCache,
    *,
    teacher: Teacher | None,
    seed: int,
    beside: Beside = NOTHING_BESIDE,
    cluster: str | None = None,
) -> Material:
    """Read, prepare and comment all clips of the data sets.

    Parameters
    ----------
    recipe
        What to learn.
    data
        Labelled data sets.
    cache
        Where features are kept.
    teacher
        Whom to ask; None for nobody.
    seed
        Seed of what is rendered and chosen.
    beside
        What else the user has.
    cluster
        Address of a Dask scheduler; None for this machine.

    Raises
    ------
    TrainingError
        No clip can be read.
    """
    found = read_labelled(recipe, data)
    wanted = [clip for clip in found if clip.split not in recipe.validation.left_out]
    return assemble(
        recipe,
        wanted,
        cache,
        data=data,
        teacher=teacher,
        seed=seed,
        beside=beside,
        cluster=cluster,
    )


def read_labelled(recipe: Recipe, data: Sequence[Path]) -> list[LabelledClip]:
    """Return the clips of the data sets that have one of the recipe's labels."""
    own = bool(recipe.vocabulary)
    clips = read_data_sets(data, recipe.task, pictures=recipe.reads_pictures, as_written=own)
    return [clip for clip in clips if clip.label in recipe.labels]


def assemble(
    recipe: Recipe,
    clips: Sequence[LabelledClip],
    cache: FeatureCache,
    *,
    seed: int,
    data: Sequence[Path] = (),
    teacher: Teacher | None = None,
    beside: Beside = NOTHING_BESIDE,
    cluster: str | None = None,
) -> Material:
    """Prepare labelled clips, and beside them what else the recipe asks for.

    Parameters
    ----------
    recipe, cache, teacher, seed, beside, cluster
        See :func:`gather`.
    clips
        The labelled clips.
    data
        Where further audio is listed.

    Raises
    ------
    TrainingError
        No labelled clip can be read.
    """
    bank = make_bank(recipe.inputs.features)

    def grids(clips: Sequence[LabelledClip]) -> Preparation:
        return prepare(clips, recipe.inputs.features, bank, cache, cluster)

    labelled = grids(clips)
    if not labelled.clips:
        raise TrainingError("None of the clips can be read; see the reasons above.")
    further = grids(_further_audio([p.clip for p in labelled.clips], recipe, data))
    known = [*labelled.clips, *further.clips]
    forms = {prepared.clip.source.name: [prepared.grid] for prepared in known}
    for copy in grids(_copies([prepared.clip for prepared in known], recipe)).clips:
        if isinstance(copy.clip.source, DegradedAudio):
            forms[copy.clip.source.original.name].append(copy.grid)
    own = len(labelled.clips)
    items = _items([prepared.clip for prepared in known], own, forms, recipe, data, teacher)
    rendered = _rendered(recipe, bank, seed, beside)
    outsiders = _outside_audio(recipe, data, beside.outside, seed)
    outside = grids([*outsiders, *_copies(outsiders, recipe)]).clips
    strangers = [
        Item(p.clip.group, _outside_index(recipe), [p.grid], _NO_COMMENT, 1.0, OUTSIDE)
        for p in outside
    ]
    if beside.context is not None:
        heard = hear_clips(beside.context, [p.clip for p in (*known, *outside)], cache, cluster)
        items, strangers = _told(items, known, heard), _told(strangers, outside, heard)
    weight = _weight_beside(items, len(rendered) + len(strangers), recipe.supplement.share)
    return Material(
        clips=[prepared.clip for prepared in labelled.clips],
        items=items[:own],
        others=items[own:] + [replace(item, weight=weight) for item in strangers],
        synthetic=[replace(item, weight=weight) for item in rendered],
        skipped=labelled.skipped,
    )


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


def _further_audio(
    clips: Sequence[LabelledClip], recipe: Recipe, data: Sequence[Path]
) -> list[LabelledClip]:
    """Return further audio, listed for another task or known here as a ready grid.

    It is used without its label of this task: a grid's label is known already, and its
    audio may not have the grid's group.
    """
    known = {clip.source.name for clip in clips}
    refused = {*recipe.validation.left_out, *recipe.validation.held_back}
    found = {
        clip.source.name: clip
        for task in recipe.supplement.further
        for clip in _listed_audio(data, task)
        if clip.source.name not in known and clip.split not in refused
    }
    return list(found.values())


def _outside_audio(
    recipe: Recipe, data: Sequence[Path], folders: Sequence[Path], seed: int
) -> list[LabelledClip]:
    """Return audio that has none of the labels, some of each guitar and of each folder."""
    rng = np.random.default_rng(seed)
    listed = [clip for task in recipe.supplement.outside for clip in _listed_audio(data, task)]
    found = [_draw(_of_folder(folder), OUTSIDERS_PER_FOLDER, rng) for folder in folders]
    for group in sorted({clip.group for clip in listed}):
        members = [clip for clip in listed if clip.group == group]
        found.append(_draw(members, OUTSIDERS_PER_GROUP, rng))
    return [clip for part in found for clip in part]


def _of_folder(folder: Path) -> list[LabelledClip]:
    name = f"outside:{folder.name}"
    files = list(audio_files(folder))
    if not files:
        raise TrainingError(f"{folder} holds no audio; give a folder of WAV, MP3, FLAC or OGG.")
    return [LabelledClip(AudioFile(path), "", name, name) for path in files]


def _draw(clips: Sequence[LabelledClip], most: int, rng: np.random.Generator) -> list[LabelledClip]:
    return [clips[i] for i in rng.permutation(len(clips))[:most]]


def _listed_audio(data: Sequence[Path], task: str) -> list[LabelledClip]:
    lists = [path / f"{task}.csv" for path in data]
    clips = read_data_sets([path for path in lists if path.exists()], task)
    return [clip for clip in clips if isinstance(clip.source, AudioFile)]


def _copies(clips: Sequence[LabelledClip], recipe: Recipe) -> list[LabelledClip]:
    return [
        replace(clip, source=DegradedAudio(clip.source, copy))
        for clip in clips
        if isinstance(clip.source, AudioFile)
        for copy in range(recipe.supplement.degraded_copies)
    ]


def _items(
    clips: Sequence[LabelledClip],
    own: int,
    forms: Mapping[str, list[HalfGrid]],
    recipe: Recipe,
    data: Sequence[Path],
    teacher: Teacher | None,
) -> list[Item]:
    """Return all that is known of the clips, of which the first ``own`` have a label."""
    companions = _companion_labels(recipe, data)
    comments = teacher.ask([c.source for c in clips]) if teacher else [_NO_COMMENT] * len(clips)
    drawn = recipe.weigh(clips[:own])
    weights = [*(drawn / drawn.mean()), *[1.0] * (len(clips) - own)]
    labels = [recipe.labels.index(clip.label) for clip in clips[:own]]
    labels += [UNLABELLED] * (len(clips) - own)
    return [
        Item(
            group=clip.group,
            label=label,
            grids=forms[clip.source.name],
            teacher=comment,
            weight=float(weight),
            companion=companions.get(clip.source.name, UNLABELLED),
        )
        for clip, label, comment, weight in zip(clips, labels, comments, weights, strict=True)
    ]


def _companion_labels(recipe: Recipe, data: Sequence[Path]) -> dict[str, int]:
    task = recipe.supplement.companion
    if task is None:
        return {}
    return {c.source.name: TASKS[task].index(c.label) for c in _listed_audio(data, task)}


def _told(
    items: Sequence[Item], prepared: Sequence[PreparedClip], heard: Mapping[str, Array]
) -> list[Item]:
    """Return the items of prepared clips with what was heard in each of these."""
    return [
        replace(item, context=heard[p.clip.source.name])
        for item, p in zip(items, prepared, strict=True)
    ]


def _weight_beside(items: Sequence[Item], n_beside: int, share: float) -> float:
    """Return the weight with which so many further items make up a share of all windows."""
    total = sum(item.weight for item in items)
    return share / (1 - share) * total / max(1, n_beside)


def _outside_index(recipe: Recipe) -> int:
    label = recipe.supplement.outside_label
    return OUTSIDE if label is None else recipe.labels.index(label)


def _rendered(recipe: Recipe, bank: FilterBank, seed: int, beside: Beside) -> list[Item]:
    rendering, rate_hz = recipe.supplement.rendering, recipe.inputs.features.sample_rate_hz
    if rendering is None:
        return []
    rng = np.random.default_rng(seed)
    guitars = [guitar for font in beside.soundfonts for guitar in sampled_guitars(font, rate_hz)]
    items = []
    for number in range(rendering.count):
        sampled = guitars and number % 2
        pluck = guitars[int(rng.integers(len(guitars)))].pluck if sampled else None
        label, samples = rendering.render(rate_hz, rng, pluck)
        grid = compute_grid(samples, recipe.inputs.features, bank).astype(np.float16)
        index = OUTSIDE if label is None else recipe.labels.index(label)
        companion = OUTSIDE if label is None else UNLABELLED
        context = _NO_CONTEXT
        if beside.context is not None:
            context = hear_samples(beside.context, samples, rate_hz)
        items.append(Item("synthetic", index, [grid], _NO_COMMENT, 1.0, companion, context))
    return items
