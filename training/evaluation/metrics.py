"""Figures of merit with 95% confidence intervals.

Clips of one artist or guitar resemble each other, so resampling draws whole groups
(the cluster bootstrap of Field and Welsh 2007); with fewer than ``MIN_GROUPS`` groups
it draws clips. A share near 0 or 1 bootstraps to an interval that is too narrow, so
accuracies and recalls also get Wilson's score interval (Wilson 1927) and keep the
wider end of both. The calibration error (Naeini et al. 2015) uses 15 bins of equal
width.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.inference.card import Estimate, Figures

MIN_GROUPS = 10
N_RESAMPLES = 1000
N_BINS = 15
Z_95 = 1.96

Labels = NDArray[np.int64]


def with_interval(estimate: Estimate, form: str = ".3f") -> str:
    """Return a figure with its interval, in words for people."""
    return f"{estimate.value:{form}} ({estimate.low:{form}} to {estimate.high:{form}})"


@dataclass(frozen=True)
class Predictions:
    """Probabilities for clips whose labels are known.

    Attributes
    ----------
    probabilities
        Shape [clips, labels].
    truth
        Index of the true label, shape [clips].
    groups
        Artist, album, player or guitar of each clip.
    """

    probabilities: NDArray[np.float64]
    truth: Labels
    groups: Sequence[str]

    @property
    def answers(self) -> Labels:
        """Index of the most probable label, shape [clips]."""
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def confidences(self) -> NDArray[np.float64]:
        """Probability of the answer, shape [clips]."""
        return np.asarray(self.probabilities.max(axis=1))

    def only(self, which: Sequence[int]) -> "Predictions":
        """Return those of some of the clips."""
        chosen = np.asarray(which, dtype=np.int64)
        groups = [self.groups[i] for i in chosen]
        return Predictions(self.probabilities[chosen], self.truth[chosen], groups)


def score(predictions: Predictions, labels: Sequence[str], *, seed: int = 0) -> Figures:
    """Compute all figures; classes that no clip has do not count in the averages.

    Parameters
    ----------
    predictions
        What the model said and what is true.
    labels
        Names of the labels, in the order of the probabilities.
    seed
        Seed of the bootstrap.
    """
    truth, answers = predictions.truth, predictions.answers
    right = truth == answers
    samples = resamples(predictions.groups, seed)

    def estimate(figure: Callable[[NDArray[np.int64]], float]) -> Estimate:
        return bootstrap(figure, samples, len(truth))

    accuracy = estimate(lambda i: float(right[i].mean()))
    wilson = wilson_interval(int(right.sum()), len(right))
    seen = sorted(set(truth.tolist()) | set(answers.tolist()))
    return Figures(
        n=len(truth),
        accuracy=Estimate(
            value=accuracy.value,
            low=min(accuracy.low, wilson.low),
            high=max(accuracy.high, wilson.high),
        ),
        balanced_accuracy=estimate(lambda i: balanced_accuracy(truth[i], answers[i])),
        macro_f1=estimate(lambda i: macro_f1(truth[i], answers[i])),
        ece=estimate(lambda i: expected_calibration_error(predictions.confidences[i], right[i])),
        per_class_recall={
            labels[k]: wilson_interval(int((right & (truth == k)).sum()), int((truth == k).sum()))
            for k in sorted(set(truth.tolist()))
        },
        confusion_matrix=confusion_matrix(truth, answers, seen).tolist(),
        confusion_labels=[labels[k] for k in seen],
    )


def balanced_accuracy(truth: Labels, answers: Labels) -> float:
    """Return the mean recall over the classes that occur."""
    hits, of_class, _ = _counts(truth, answers)
    return float(np.mean(hits / of_class))


def macro_f1(truth: Labels, answers: Labels) -> float:
    """Return the mean F1 over the classes that occur."""
    hits, of_class, answered = _counts(truth, answers)
    return float(np.mean(2 * hits / (of_class + answered)))


def _counts(truth: Labels, answers: Labels) -> tuple[Labels, Labels, Labels]:
    """Return right answers, clips and answers of each class that occurs."""
    n_classes = 1 + int(max(truth.max(), answers.max()))
    of_class = np.bincount(truth, minlength=n_classes)
    answered = np.bincount(answers, minlength=n_classes)
    hits = np.bincount(truth[truth == answers], minlength=n_classes)
    occurs = of_class > 0
    return hits[occurs], of_class[occurs], answered[occurs]


def expected_calibration_error(confidences: NDArray[np.float64], right: NDArray[np.bool_]) -> float:
    """Return the mean gap between confidence and accuracy over bins of equal width."""
    return float(calibration_errors(confidences[np.newaxis], (confidences - right)[np.newaxis])[0])


def calibration_errors(
    sure: NDArray[np.float64], beyond: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the calibration error of each of several ways to be sure of the same clips.

    Parameters
    ----------
    sure
        Confidences, shape [rows, clips].
    beyond
        The same less the right answers, each of which counts 1.
    """
    rows, clips = sure.shape
    bins = np.minimum((sure * N_BINS).astype(np.int64), N_BINS - 1)
    bins += N_BINS * np.arange(rows)[:, np.newaxis]
    gaps = np.bincount(bins.ravel(), weights=beyond.ravel(), minlength=N_BINS * rows)
    errors: NDArray[np.float64] = np.abs(gaps).reshape(rows, N_BINS).sum(axis=1) / clips
    return errors


def confusion_matrix(truth: Labels, answers: Labels, classes: Sequence[int]) -> Labels:
    """Count clips by true class (rows) and answer (columns), both in the given order."""
    place = {k: i for i, k in enumerate(classes)}
    matrix = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for t, a in zip(truth.tolist(), answers.tolist(), strict=True):
        matrix[place[t], place[a]] += 1
    return matrix


def weighted_mean(
    values: NDArray[np.float64], weights: NDArray[np.float64], groups: Sequence[str]
) -> Estimate:
    """Return the mean of what was measured on some recordings, with its interval.

    Parameters
    ----------
    values, weights
        Shape [recordings]; some weight is above 0.
    groups
        Artist, album, player or guitar of each.
    """

    def mean(i: NDArray[np.int64]) -> float:
        # A resample may hold nothing but recordings without weight.
        return float((values[i] * weights[i]).sum() / max(weights[i].sum(), 1e-12))

    return bootstrap(mean, resamples(groups, seed=0), len(values))


def correlation(
    predicted: NDArray[np.float64], truth: NDArray[np.float64], groups: Sequence[str]
) -> Estimate:
    """Return Pearson's correlation of what was predicted with what is true, with its interval.

    Parameters
    ----------
    predicted, truth
        Shape [clips].
    groups
        Artist, album, player or guitar of each clip.
    """

    def pearson(i: NDArray[np.int64]) -> float:
        return float(np.corrcoef(predicted[i], truth[i])[0, 1])

    return bootstrap(pearson, resamples(groups, seed=0), len(truth))


def wilson_interval(hits: int, n: int) -> Estimate:
    """Return a share with Wilson's score interval."""
    share = hits / n
    centre = (share + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * np.sqrt(share * (1 - share) / n + Z_95**2 / (4 * n**2))
    return _estimate(share, max(0.0, centre - half), min(1.0, centre + half))


def resamples(groups: Sequence[str], seed: int) -> list[NDArray[np.int64]]:
    """Draw groups, or clips where there are few groups, with replacement; return the clips."""
    rng = np.random.default_rng(seed)
    names, member = np.unique(np.asarray(groups), return_inverse=True)
    if len(names) < MIN_GROUPS:
        member = np.arange(len(groups))
    n_groups = int(member.max()) + 1
    clips = [np.flatnonzero(member == g) for g in range(n_groups)]
    draws = rng.integers(0, n_groups, (N_RESAMPLES, n_groups))
    return [np.concatenate([clips[g] for g in draw]) for draw in draws]


def bootstrap(
    figure: Callable[[NDArray[np.int64]], float], samples: list[NDArray[np.int64]], n: int
) -> Estimate:
    """Return a figure of ``n`` clips with the interval of its values on the samples."""
    value = figure(np.arange(n))
    low, high = np.quantile([figure(sample) for sample in samples], [0.025, 0.975])
    # The calibration error of a resample is biased upwards, often past the value itself.
    return _estimate(value, min(float(low), value), max(float(high), value))


def _estimate(value: float, low: float, high: float) -> Estimate:
    return Estimate(value=round(value, 4), low=round(float(low), 4), high=round(float(high), 4))
