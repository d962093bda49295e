"""Find the most probable sequence of labels: the algorithm of Viterbi (Rabiner 1989)."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Labels = NDArray[np.int16]  # small, as there is one for each label of each window


def best_path(evidence: Array, steps: Array) -> NDArray[np.int64]:
    """Return the path of most evidence and best steps (Viterbi), shape [n_windows].

    Parameters
    ----------
    evidence
        Logarithms, shape [n_windows, labels].
    steps
        Logarithms of going from a label to another, shape [labels, labels].
    """
    n_windows, n_labels = evidence.shape
    best = evidence[0]
    came_from: Labels = np.empty((n_windows, n_labels), np.int16)
    for n in range(1, n_windows):
        ways = best[:, np.newaxis] + steps
        came_from[n] = ways.argmax(axis=0)
        best = ways.max(axis=0) + evidence[n]
    return trace_back(came_from, int(best.argmax()))


def trace_back(came_from: Labels, last: int) -> NDArray[np.int64]:
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
