"""Compute the features of all clips, in parallel, each once.

The work runs on Dask: threads of this process by default (decoding and transforms
release the interpreter lock), or the workers of a cluster whose address is given.
Workers need this package and the same paths; only grids travel back.
"""

import logging
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import dask
from distributed import Client
from tqdm import tqdm

from service.inference.features import FeatureSpec, FilterBank, Grid
from training.data.cache import FeatureCache, HalfGrid
from training.data.readers import LabelledClip
from training.data.readers.clips import Source
from training.errors import TrainingError, UnreadableClip

logger = logging.getLogger(__name__)

# Results are stored after so many clips, so an interrupted run loses little.
CLIPS_PER_CALL = 64


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
    missing: list[tuple[int, str, Source]] = []
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
    with _scheduler(cluster), tqdm(total=len(missing), desc="features", unit="clip") as progress:
        bank_task = dask.delayed(bank)
        for start in range(0, len(missing), CLIPS_PER_CALL):
            part = missing[start : start + CLIPS_PER_CALL]
            tasks = [dask.delayed(_grid_or_reason)(source, spec, bank_task) for *_, source in part]
            for (index, key, source), result in zip(part, dask.compute(*tasks), strict=True):
                if isinstance(result, str):
                    skipped.append(_skip(source, result))
                else:
                    found[index] = cache.store(key, result)
            progress.update(len(part))
    ready = [PreparedClip(clips[index], found[index]) for index in sorted(found)]
    return Preparation(ready, skipped)


def _grid_or_reason(source: Source, spec: FeatureSpec, bank: FilterBank) -> Grid | str:
    try:
        return source.grid(spec, bank)
    except UnreadableClip as error:
        return str(error)


def _skip(source: Source, reason: str) -> Skipped:
    logger.warning("skipped %s: %s", source.name, reason)
    return Skipped(source.name, reason)


def _scheduler(cluster: str | None) -> AbstractContextManager[object]:
    """Return a context in which Dask computes here or on a cluster."""
    if cluster is None:
        threads: AbstractContextManager[object] = dask.config.set(scheduler="threads")
        return threads
    try:
        client: AbstractContextManager[object] = Client(cluster, timeout="10s")
    except OSError as error:
        raise TrainingError(f"No Dask scheduler answers at {cluster}: {error}") from error
    return client
