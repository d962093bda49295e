"""Compute the features of all clips, in parallel, each once."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from service.inference.features import FeatureSpec, FilterBank, Grid
from training.data.cache import FeatureCache, HalfGrid
from training.data.parallel import in_parallel
from training.data.readers import LabelledClip
from training.data.readers.clips import Source
from training.errors import UnreadableClip

logger = logging.getLogger(__name__)

Missing = tuple[int, str, Source]
"""A clip without a grid: its place in the list, its key in the cache and where it comes from."""


@dataclass(frozen=True)
class PreparedClip:
    """A labelled clip with its feature grid, shape [frames, bands], half precision."""

    clip: LabelledClip
    grid: HalfGrid


@dataclass(frozen=True)
class Skipped:
    """A clip that could not be used, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Preparation:
    """What became of a list of clips."""

    clips: list[PreparedClip]
    skipped: list[Skipped]


def prepare(
    clips: Sequence[LabelledClip],
    spec: FeatureSpec,
    bank: FilterBank,
    cache: FeatureCache,
    cluster: str | None = None,
) -> Preparation:
    """Return the clips with their grids; those that cannot be read are logged and listed.

    Parameters
    ----------
    clips
        Clips to prepare.
    spec, bank
        The features to compute.
    cache
        Grids already computed are taken from here, new ones are put here.
    cluster
        Address of a Dask scheduler; None for threads of this process.
    """
    found: dict[int, HalfGrid] = {}
    missing: list[Missing] = []
    skipped: list[Skipped] = []
    for index, clip in enumerate(clips):
        try:
            key = cache.key(clip.source.content_key(), spec, bank)
        except UnreadableClip as error:
            skipped.append(_skip(clip.source, str(error)))
            continue
        grid = cache.load(key)
        if grid is None:
            missing.append((index, key, clip.source))
        else:
            found[index] = grid
    computed = in_parallel(_grid_or_reason, missing, spec, bank, cluster=cluster)
    for (index, key, source), result in computed:
        if isinstance(result, str):
            skipped.append(_skip(source, result))
        else:
            found[index] = cache.store(key, result)
    ready = [PreparedClip(clips[index], found[index]) for index in sorted(found)]
    return Preparation(ready, skipped)


def _grid_or_reason(missing: Missing, spec: FeatureSpec, bank: FilterBank) -> Grid | str:
    _, _, source = missing
    try:
        return source.grid(spec, bank)
    except UnreadableClip as error:
        return str(error)


def _skip(source: Source, reason: str) -> Skipped:
    logger.warning("skipped %s: %s", source.name, reason)
    return Skipped(source.name, reason)
