"""Split clips by group, never by file."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from training.data.readers import LabelledClip

MOST_FOLDS = 5
SMALL_DATA_SETS = "small data sets"


class Grouped(Protocol):
    """What can be dealt to folds."""

    @property
    def group(self) -> str:
        """What must stay together."""
        ...

    @property
    def label(self) -> str | int:
        """What must be balanced."""
        ...


def group_folds(clips: Sequence[Grouped], n_folds: int, seed: int) -> list[int]:
    """Assign each clip to a fold so that groups stay together and labels stay balanced.

    Groups are dealt, the largest first, to the fold in which their labels are rarest
    so far; equal ones in an order drawn from the seed.

    Returns
    -------
    list of int
        Fold of each clip, 0 to ``n_folds - 1``.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(clips):
        members[clip.group].append(index)
    names = sorted(members)
    np.random.default_rng(seed).shuffle(names)
    names.sort(key=lambda name: -len(members[name]))

    labels = {label: i for i, label in enumerate(sorted({c.label for c in clips}, key=str))}
    filled = np.zeros((n_folds, len(labels)))
    total = np.bincount([labels[c.label] for c in clips], minlength=len(labels))
    fold_of = [0] * len(clips)
    for name in names:
        added = np.bincount([labels[clips[i].label] for i in members[name]], minlength=len(labels))
        crowding = ((filled + added) ** 2 / total).sum(axis=1) - (filled**2 / total).sum(axis=1)
        fold = int(np.argmin(crowding + 1e-6 * filled.sum(axis=1)))
        filled[fold] += added
        for i in members[name]:
            fold_of[i] = fold
    return fold_of


@dataclass(frozen=True)
class Fold:
    """One way to hold clips out.

    Attributes
    ----------
    name
        What is held out; also a file name.
    test
        Indices of the clips held out.
    groups
        Their groups; no clip of them may be learned from.
    """

    name: str
    test: list[int]
    groups: frozenset[str]


def group_fold_plan(
    clips: Sequence[LabelledClip], *, n_folds: int, split: str | None, seed: int
) -> list[Fold]:
    """Hold out each of several sets of groups in turn, of one split or of all clips.

    There are fewer folds where there are fewer groups.
    """
    chosen = [i for i, clip in enumerate(clips) if split in (None, clip.split)]
    fold_of = group_folds([clips[i] for i in chosen], n_folds, seed)
    held_out = [[i for i, f in zip(chosen, fold_of, strict=True) if f == k] for k in range(n_folds)]
    return [_fold(clips, f"groups-{k + 1}", test) for k, test in enumerate(held_out) if test]


def groups_by_label(clips: Sequence[LabelledClip]) -> dict[str, set[str]]:
    """Return the groups of each label."""
    groups: dict[str, set[str]] = defaultdict(set)
    for clip in clips:
        groups[clip.label].add(clip.group)
    return dict(groups)


def measurable_folds(clips: Sequence[LabelledClip]) -> list[Fold]:
    """Hold out groups in as many folds as the rarest label has groups, two to five.

    A label of a single group cannot be held out and learned at once: its clips are always
    learned from. There is no fold where fewer than two labels are left.
    """
    counts = {label: len(groups) for label, groups in groups_by_label(clips).items()}
    several = {label: n for label, n in counts.items() if n > 1}
    if len(several) < 2:
        return []
    chosen = [i for i, clip in enumerate(clips) if clip.label in several]
    fold_of = group_folds([clips[i] for i in chosen], min(MOST_FOLDS, *several.values()), seed=0)
    held_out = [[i for i, f in zip(chosen, fold_of, strict=True) if f == k] for k in set(fold_of)]
    return [_fold(clips, f"groups-{k + 1}", test) for k, test in enumerate(held_out)]


def leave_one_data_set_out(clips: Sequence[LabelledClip], *, least_clips: int = 1) -> list[Fold]:
    """Hold out each data set in turn: other guitars, players and rooms.

    Where there is only one, its groups are held out instead.

    Parameters
    ----------
    clips
        What may be learned from.
    least_clips
        Data sets of fewer clips are held out together, if there are several of them beside others.
    """
    counts = Counter(clip.data_set for clip in clips)
    if len(counts) == 1:
        return group_fold_plan(clips, n_folds=5, split=None, seed=0)
    small = [name for name, count in sorted(counts.items()) if count < least_clips]
    if len(small) < 2 or len(small) == len(counts):
        small = []
    held_out = {name: {name} for name in sorted(counts) if name not in small}
    if small:
        held_out[SMALL_DATA_SETS] = set(small)
    return [
        _fold(clips, name, [i for i, clip in enumerate(clips) if clip.data_set in data_sets])
        for name, data_sets in held_out.items()
    ]


def no_folds(clips: Sequence[LabelledClip]) -> list[Fold]:  # noqa: ARG001  # a plan like any other
    """Hold nothing out beyond the official splits."""
    return []


def _fold(clips: Sequence[LabelledClip], name: str, test: list[int]) -> Fold:
    return Fold(name, test, frozenset(clips[i].group for i in test))
