"""Find the most probable sequence of labels: the algorithm of Viterbi (Rabiner 1989)."""

import numpy as np
from numpy.typing import NDArray

from service.inference.softmax import Probabilities

Array = NDArray[np.float64]
Labels = NDArray[np.int16]  # small, as there is one for each label of each window

LEAST_PROBABILITY = 1e-9  # no window alone rules a label out


def best_path(probabilities: Probabilities, steps: Array) -> NDArray[np.int64]:
    """Return the label of each window on the most probable path, shape [n_windows].

    Parameters
    ----------
    probabilities
        Of the labels in each window, shape [n_windows, labels].
    steps
        Logarithms of going from a label to another, shape [labels, labels].
    """
    evidence = _evidence(probabilities)
    best = evidence[0]
    came_from: Labels = np.empty(evidence.shape, np.int16)
    for n in range(1, len(evidence)):
        ways = best[:, np.newaxis] + steps
        came_from[n] = ways.argmax(axis=0)
        best = ways.max(axis=0) + evidence[n]
    return _trace_back(came_from, int(best.argmax()))


def staying_path(probabilities: Probabilities, change_probability: float) -> NDArray[np.int64]:
    """Return the most probable path where all labels like to stay, and all changes cost the same.

    Parameters
    ----------
    probabilities
        Of the labels in each window, shape [n_windows, labels].
    change_probability
        Chance that the label changes from one window to the next.
    """
    evidence = _evidence(probabilities)
    n_labels = evidence.shape[1]
    stay = np.log(1 - change_probability)
    change = np.log(change_probability / (n_labels - 1))
    best = evidence[0]
    came_from: Labels = np.empty(evidence.shape, np.int16)
    for n in range(1, len(evidence)):
        # Only the best label before can be worth leaving.
        leader = int(best.argmax())
        leaving = best[leader] + change
        staying = best + stay
        came_from[n] = np.where(staying >= leaving, np.arange(n_labels), leader)
        best = np.maximum(staying, leaving) + evidence[n]
    return _trace_back(came_from, int(best.argmax()))


def _evidence(probabilities: Probabilities) -> Array:
    return np.log(np.maximum(probabilities, LEAST_PROBABILITY))


def _trace_back(came_from: Labels, last: int) -> NDArray[np.int64]:
    """Return the path that ends with a label, shape [n_windows].

    Parameters
    ----------
    came_from
        Of each window but the first, the best label before each, shape [n_windows, labels].
    last
        The label of the last window.
    """
    path = np.empty(len(came_from), np.int64)
    path[-1] = last
    for n in range(len(path) - 1, 0, -1):
        path[n - 1] = came_from[n, path[n]]
    return path
