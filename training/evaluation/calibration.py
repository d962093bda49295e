"""Make confidences honest: temperature scaling (Guo et al. 2017) on validation clips."""

import numpy as np
from numpy.typing import NDArray

from service.inference.softmax import softmax
from training.evaluation.metrics import calibration_errors

FLAGGED_SHARE = 0.1
SURE = 0.95
"""What is as sure as that is never flagged, also where hardly an answer is less sure."""
_TEMPERATURES = np.geomspace(0.1, 10, 400)
_MIXED_TEMPERATURES = np.geomspace(0.1, 10, 120)
_WEIGHTS = np.linspace(0, 1, 51)

AGREEING = 0.02
"""How far the mean confidence of a mixture may lie from the share of right answers."""


def fit_temperature(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """Return the temperature with the smallest negative log likelihood.

    Parameters
    ----------
    logits
        Clip logits of validation clips, shape [clips, labels].
    truth
        Index of the true label, shape [clips].
    """
    losses = [negative_log_likelihood(logits / t, truth) for t in _TEMPERATURES]
    return float(_TEMPERATURES[int(np.argmin(losses))])


def fit_mixture(
    logits: NDArray[np.floating], truth: NDArray[np.int64], label_shares: NDArray[np.float64]
) -> tuple[float, float]:
    """Return temperature and weight of a mixture of the answers with guesses.

    Of a clip that is too short, some answers tell nothing, however sure they are: no temperature
    can say so, but a share of guesses can. Only mixtures count that are right as often as they are
    sure to be (within ``AGREEING``, or else as nearly as any is): where little is told, the
    likeliest of all hedges, and is right much more often than it says. Of these it is the one with
    the smallest sum of the negative log likelihood and of the calibration error: what agrees on the
    whole may be too sure of its surest answers.

    Parameters
    ----------
    logits, truth
        As for :func:`fit_temperature`.
    label_shares
        What is guessed, shape [labels].
    """
    clips = np.arange(len(truth))
    told = np.stack([softmax(logits / t) for t in _MIXED_TEMPERATURES])
    mixed = np.empty_like(told)  # one for all weights: new memory costs more than the sums
    losses, gaps = [], []
    for weight in _WEIGHTS:
        np.multiply(told, weight, out=mixed)
        mixed += (1 - weight) * label_shares
        label = mixed.argmax(axis=-1)
        sure = np.take_along_axis(mixed, label[..., np.newaxis], axis=-1)[..., 0]
        beyond = sure - (label == truth)
        losses.append(calibration_errors(sure, beyond) - _mean_log(mixed[:, clips, truth]))
        gaps.append(np.abs(beyond.mean(axis=-1)))
    gap = np.stack(gaps)
    agreeing = gap <= max(AGREEING, gap.min())
    best = int(np.argmin(np.where(agreeing, np.stack(losses), np.inf)))
    weight, temperature = np.unravel_index(best, gap.shape)
    return float(_MIXED_TEMPERATURES[temperature]), float(_WEIGHTS[weight])


def negative_log_likelihood(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """Return the mean negative log probability of the true labels."""
    likely = softmax(logits)[np.arange(len(truth)), truth]
    return float(-_mean_log(likely))


def fit_uncertain_below(confidences: NDArray[np.float64]) -> float:
    """Return the confidence below which a tenth of the validation clips lie, at most ``SURE``."""
    return round(min(float(np.quantile(confidences, FLAGGED_SHARE)), SURE), 4)


def _mean_log(likely: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean logarithm over the last axis, which no hopeless answer makes infinite."""
    mean: NDArray[np.float64] = np.log(np.maximum(likely, 1e-12)).mean(axis=-1)
    return mean
