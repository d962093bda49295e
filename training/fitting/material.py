"""Gather all that a network learns from: labelled clips, copies, teacher, synthesis."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.augmentation.degradation import DegradedAudio
from training.data.cache import FeatureCache, HalfGrid
from training.data.cuts import CutAudio
from training.data.filter_banks import make_bank
from training.data.labels import OUTSIDE, TASKS, UNLABELLED
from training.data.preparation import Preparation, PreparedClip, prepare
from training.data.readers import AudioFile, LabelledClip, read_data_sets
from training.errors import TrainingError
from training.fitting.beside import (
    NOTHING_BESIDE,
    Beside,
    further_audio,
    listed_audio,
    outside_audio,
    outside_index,
    rendered,
)
from training.fitting.items import NO_COMMENT, Item, Material
from training.fitting.song_windows import song_windows
from training.networks.context import hear_clips
from training.networks.teacher import Teacher
from training.recipes import Recipe

Array = NDArray[np.float32]

# What is left of a clip is heard in other frames than those of the whole: they hold silence, too.
SHORT_S = (0.1, 0.15, 0.2, 0.3, 0.4, 0.5)


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
    further = grids(further_audio([p.clip for p in labelled.clips], recipe, data))
    known = [*labelled.clips, *further.clips]
    whole = [prepared.clip for prepared in known]
    items = _items(whole, len(labelled.clips), _forms(known, grids, recipe), recipe, data, teacher)
    outsiders = outside_audio(recipe, data, beside.outside, seed)
    outside = grids([*outsiders, *_copies(outsiders, recipe)]).clips
    strangers = [
        Item(p.clip.group, outside_index(recipe), [p.grid], NO_COMMENT, 1.0, OUTSIDE)
        for p in outside
    ]
    if beside.context is not None:
        heard = hear_clips(beside.context, [p.clip for p in (*known, *outside)], cache, cluster)
        items, strangers = _told(items, known, heard), _told(strangers, outside, heard)
    songs = song_windows(recipe, beside.songs, bank, cache, cluster) if beside.songs else []
    own = len(labelled.clips)
    material = Material(
        clips=[prepared.clip for prepared in labelled.clips],
        items=items[:own],
        others=items[own:],
        synthetic=rendered(recipe, bank, seed, beside),
        skipped=labelled.skipped,
        songs=songs,
    )
    return _shared_out(material, strangers, recipe)


def _forms(
    known: Sequence[PreparedClip],
    grids: Callable[[Sequence[LabelledClip]], Preparation],
    recipe: Recipe,
) -> dict[str, list[HalfGrid]]:
    """Return the grid of each clip and those of its copies, by the clip's name."""
    forms = {prepared.clip.source.name: [prepared.grid] for prepared in known}
    whole = [prepared.clip for prepared in known]
    for copy in grids([*_copies(whole, recipe), *_beginnings(whole, recipe)]).clips:
        if isinstance(copy.clip.source, DegradedAudio | CutAudio):
            forms[copy.clip.source.original.name].append(copy.grid)
    return forms


def _shared_out(material: Material, strangers: Sequence[Item], recipe: Recipe) -> Material:
    """Add what has none of the labels, and give all beside the clips its share of the windows."""
    share = recipe.supplement.share
    songs_share = recipe.supplement.songs_share if material.songs else 0.0
    clips = sum(item.weight for item in (*material.items, *material.others))
    drawn = clips / (1 - share - songs_share)
    weight = share * drawn / max(1, len(material.synthetic) + len(strangers))
    songs_weight = songs_share * drawn / max(1, len(material.songs))
    return replace(
        material,
        others=material.others + [replace(item, weight=weight) for item in strangers],
        synthetic=[replace(item, weight=weight) for item in material.synthetic],
        songs=[replace(item, weight=songs_weight * item.weight) for item in material.songs],
    )


def _copies(clips: Sequence[LabelledClip], recipe: Recipe) -> list[LabelledClip]:
    return [
        replace(clip, source=DegradedAudio(clip.source, copy))
        for clip in clips
        if isinstance(clip.source, AudioFile)
        for copy in range(recipe.supplement.degraded_copies)
    ]


def _beginnings(clips: Sequence[LabelledClip], recipe: Recipe) -> list[LabelledClip]:
    """Return clips cut to lengths drawn from ``SHORT_S``, the same ones for the same clips."""
    rng = np.random.default_rng(0)
    return [
        replace(clip, source=CutAudio(clip.source, float(short_s)))
        for clip in clips
        if isinstance(clip.source, AudioFile)
        for short_s in rng.choice(SHORT_S, recipe.supplement.short_copies, replace=False)
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
    comments = teacher.ask([c.source for c in clips]) if teacher else [NO_COMMENT] * len(clips)
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
    return {c.source.name: TASKS[task].index(c.label) for c in listed_audio(data, task)}


def _told(
    items: Sequence[Item], prepared: Sequence[PreparedClip], heard: Mapping[str, Array]
) -> list[Item]:
    """Return the items of prepared clips with what was heard in each of these."""
    return [
        replace(item, context=heard[p.clip.source.name])
        for item, p in zip(items, prepared, strict=True)
    ]
