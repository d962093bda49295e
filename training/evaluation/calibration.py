"""Make confidences honest: temperature scaling (Guo et al. 2017) on validation clips."""

import numpy as np
from numpy.typing import NDArray

from service.inference.bundle import softmax

FLAGGED_SHARE = 0.1
_TEMPERATURES = np.geomspace(0.1, 10, 400)


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


def negative_log_likelihood(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """Return the mean negative log probability of the true labels."""
    likely = softmax(logits)[np.arange(len(truth)), truth]
    return float(-np.log(np.maximum(likely, 1e-12)).mean())


def fit_uncertain_below(confidences: NDArray[np.float64]) -> float:
    """Return the confidence below which a tenth of the validation clips lie."""
    return round(float(np.quantile(confidences, FLAGGED_SHARE)), 4)
