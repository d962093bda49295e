"""How often clips are told right, by how much of them is heard."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.inference.card import Estimate
from training.evaluation.metrics import bootstrap, resamples
from training.fitting.fold_result import FoldResult

EDGES_S = (1.0, 3.0, 10.0, 30.0, 90.0)


@dataclass(frozen=True)
class AtLength:
    """The accuracy on clips of which so much is heard.

    Attributes
    ----------
    heard
        How much, in words.
    median_s
        In seconds, in the middle.
    clips
        How many.
    accuracy
        With its interval over groups.
    """

    heard: str
    median_s: float
    clips: int
    accuracy: Estimate


def cut_lengths(folds: Sequence[FoldResult]) -> list[AtLength]:
    """Pool the clips that were also heard cut to each length, and last the whole of all."""
    found = []
    for number, cut_s in enumerate(folds[0].cuts_s.tolist() if folds else ()):
        logits = np.concatenate([fold.cut_logits[number] for fold in folds])
        longer = ~np.isnan(logits).any(axis=1)
        if longer.any():
            found.append(_at(f"{cut_s:g} s", cut_s, logits[longer], folds, longer))
    durations_s = np.concatenate([fold.durations_s for fold in folds])
    if found and not np.isnan(durations_s).any():
        logits = np.concatenate([fold.logits for fold in folds])
        everything = np.ones(len(logits), dtype=bool)
        whole_s = float(np.median(durations_s))
        found.append(_at("whole clips", whole_s, logits, folds, everything))
    return found


def own_lengths(
    heard_s: NDArray[np.float64], right: NDArray[np.bool_], groups: Sequence[str]
) -> list[AtLength]:
    """Sort clips by how long they are."""
    found = []
    for low_s, high_s in zip((0.0, *EDGES_S), (*EDGES_S, np.inf), strict=True):
        inside = (heard_s > low_s) & (heard_s <= high_s)
        if not inside.any():
            continue
        words = f"over {low_s:g} s" if np.isinf(high_s) else f"{low_s:g} to {high_s:g} s"
        of = [group for group, wanted in zip(groups, inside, strict=True) if wanted]
        median_s = float(np.median(heard_s[inside]))
        found.append(AtLength(words, median_s, len(of), _accuracy(right[inside], of)))
    return found


def _at(
    words: str,
    median_s: float,
    logits: NDArray[np.float32],
    folds: Sequence[FoldResult],
    which: NDArray[np.bool_],
) -> AtLength:
    truth = np.concatenate([fold.truth for fold in folds])[which]
    groups = np.concatenate([np.asarray(fold.groups) for fold in folds])[which].tolist()
    right = logits.argmax(axis=1) == truth
    return AtLength(words, median_s, len(right), _accuracy(right, groups))


def _accuracy(right: NDArray[np.bool_], groups: Sequence[str]) -> Estimate:
    return bootstrap(lambda i: float(right[i].mean()), resamples(groups, seed=0), len(right))
