"""Score named stretches of time against the truth, as the chord recognition field does.

The figures are those of MIREX as mir_eval computes them (Raffel et al., ISMIR 2014;
Pauwels and Peeters, ICASSP 2013): the share of the time in which the chord is right, at
several levels of detail, how well the segments overlap (1 is perfect), and how many of
the true boundaries were hit and how many of those answered are true.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mir_eval
import numpy as np
from numpy.typing import NDArray

from service.inference.card import Estimate
from training.data.annotation import Annotation
from training.evaluation.metrics import weighted_mean

# Each leaves out what it does not speak of: majmin the diminished chords, for example. Those with
# _inv want the bass right as well.
COMPARISONS = {
    "root": mir_eval.chord.root,
    "thirds": mir_eval.chord.thirds,
    "majmin": mir_eval.chord.majmin,
    "majmin_inv": mir_eval.chord.majmin_inv,
    "triads": mir_eval.chord.triads,
    "sevenths": mir_eval.chord.sevenths,
    "sevenths_inv": mir_eval.chord.sevenths_inv,
}
BOUNDARY_WINDOWS_S = (0.1, 0.25, 0.5)


@dataclass(frozen=True)
class Score:
    """One figure of one recording.

    Attributes
    ----------
    value
        From 0 to 1.
    weight
        Seconds that it speaks of; 1 for what counts by recording.
    """

    value: float
    weight: float = 1.0


def score(truth: Annotation, answer: Annotation) -> dict[str, Score]:
    """Return all figures of one recording."""
    true_intervals, true_labels = truth.intervals_s, truth.labels
    intervals, labels = mir_eval.util.adjust_intervals(
        answer.intervals_s,
        answer.labels,
        true_intervals.min(),
        true_intervals.max(),
        mir_eval.chord.NO_CHORD,
        mir_eval.chord.NO_CHORD,
    )
    pieces, truths, answers = mir_eval.util.merge_labeled_intervals(
        true_intervals, true_labels, intervals, labels
    )
    durations_s = mir_eval.util.intervals_to_durations(pieces)
    scores = {}
    for name, compare in COMPARISONS.items():
        right = compare(truths, answers)
        spoken_of = right >= 0
        scores[name] = Score(
            value=mir_eval.chord.weighted_accuracy(right, durations_s) if spoken_of.any() else 0.0,
            weight=float(durations_s[spoken_of].sum()),
        )
    merged_truth = mir_eval.chord.merge_chord_intervals(true_intervals, true_labels)
    merged_answer = mir_eval.chord.merge_chord_intervals(intervals, labels)
    over = mir_eval.chord.overseg(merged_truth, merged_answer)
    under = mir_eval.chord.underseg(merged_truth, merged_answer)
    scores |= {"overseg": Score(over), "underseg": Score(under), "seg": Score(min(over, under))}
    for window_s in BOUNDARY_WINDOWS_S:
        figures = _boundaries(merged_truth, merged_answer, window_s)
        for name, value in zip(("precision", "recall", "f"), figures, strict=True):
            scores[f"boundary_{name}_{window_s:g}s"] = Score(value)
    return scores


def pool(scores: Sequence[Mapping[str, Score]], groups: Sequence[str]) -> dict[str, Estimate]:
    """Return each figure over the recordings that have it, with its interval.

    Parameters
    ----------
    scores
        Those of each recording.
    groups
        Player and guitar of each recording; see :mod:`training.evaluation.metrics`.
    """
    pooled = {}
    for name in dict.fromkeys(name for recording in scores for name in recording):
        having = [(r[name], g) for r, g in zip(scores, groups, strict=True) if name in r]
        values = np.array([figure.value for figure, _ in having])
        weights = np.array([figure.weight for figure, _ in having])
        if weights.any():
            pooled[name] = weighted_mean(values, weights, [group for _, group in having])
    return pooled


def _boundaries(
    truth: NDArray[np.float64], answer: NDArray[np.float64], window_s: float
) -> tuple[float, float, float]:
    """Return precision, recall and F of the inner boundaries; begin and end are no merit."""
    inner = len(truth) - 1, len(answer) - 1
    if 0 in inner:
        # mir_eval gives 0 with a warning, also where no change is rightly answered by none.
        return (1.0, 1.0, 1.0) if inner == (0, 0) else (0.0, 0.0, 0.0)
    figures: tuple[float, float, float] = mir_eval.segment.detection(
        truth, answer, window=window_s, trim=True
    )
    return figures
