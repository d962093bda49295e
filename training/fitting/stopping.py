"""The clips that tell when training ends: which they are, and the windows that are asked about."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import compress

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from service.inference.windows import WindowSpec, cut_windows, window_starts
from training.data.labels import OUTSIDE
from training.fitting.batches import Examples
from training.fitting.items import Item
from training.fitting.targets import TEACHER, comment_between, label_targets
from training.recipes import Recipe

STOP_SHARE = 0.08
MAX_STOP_WINDOWS = 4


def split_for_stop(
    recipe: Recipe, items: Sequence[Item], seed: int
) -> tuple[list[Item], list[Item]]:
    """Return what to learn from and what tells when to stop; nothing for that without patience."""
    if recipe.fit.patience is None:
        return list(items), []
    stop = draw_stop_groups(
        [item.label for item in items],
        [item.group for item in items],
        STOP_SHARE,
        np.random.default_rng(seed),
    )
    # A folder of outside recordings is one group; were it chosen, nothing would be learned of it.
    stop &= np.array([item.label != OUTSIDE for item in items])
    return list(compress(items, ~stop)), [_clean(item) for item in compress(items, stop)]


def draw_stop_groups(
    labels: Sequence[int], groups: Sequence[str], share: float, rng: Generator
) -> NDArray[np.bool_]:
    """Choose whole groups until about a share of the clips is chosen.

    Groups that alone hold more than the share are never chosen; where there are no
    smaller ones, the smallest is, and of a single group one clip in ten.

    Returns
    -------
    ndarray of bool
        Which clips are chosen, shape [clips].
    """
    names, member, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    wanted = share * len(labels)
    chosen = np.zeros(len(names), dtype=bool)
    for g in rng.permutation(len(names)):
        if size[chosen].sum() + size[g] <= wanted:
            chosen[g] = True
    if len(names) == 1:
        return np.asarray(rng.permutation(len(labels)) < max(1, len(labels) // 10))
    if not chosen.any():
        chosen[size.argmin()] = True
    return np.asarray(chosen[member])


def stop_batch(
    stop: Examples, windows: WindowSpec, outputs: Mapping[str, int]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Cut a few windows from each stop clip, so that long clips do not drown short ones."""
    inputs = []
    targets: dict[str, list[NDArray[np.float32]]] = {name: [] for name in outputs}
    weights: dict[str, list[float]] = {name: [] for name in outputs}
    clips = zip(stop.grids, stop.labels, stop.companions, stop.teacher, strict=True)
    for grid, label, companion, comments in clips:
        cut = cut_windows(grid.astype(np.float32), windows)
        chosen = np.unique(np.linspace(0, len(cut) - 1, MAX_STOP_WINDOWS).astype(int))
        inputs.append(cut[chosen])
        starts = np.array(window_starts(len(grid), windows))[chosen]
        known = label_targets(label, companion, outputs)
        for name, size in outputs.items():
            rows = [known.get(name, np.zeros(size, dtype=np.float32))] * len(chosen)
            if name == TEACHER and len(comments):
                ends = np.minimum(starts + windows.frames, len(grid))
                rows = [
                    comment_between(comments, start / len(grid), end / len(grid))
                    for start, end in zip(starts, ends, strict=True)
                ]
            is_known = name in known or (name == TEACHER and len(comments) > 0)
            targets[name] += rows
            weights[name] += [float(is_known)] * len(chosen)
    return (
        np.concatenate(inputs),
        {name: np.stack(rows) for name, rows in targets.items()},
        {name: np.array(rows, dtype=np.float32) for name, rows in weights.items()},
    )


def _clean(item: Item) -> Item:
    return replace(item, grids=item.grids[:1])
