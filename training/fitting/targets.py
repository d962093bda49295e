"""What a network should say of a window, as far as it is known: labels, and what a teacher says."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from training.data.labels import OUTSIDE, UNLABELLED

TEACHER = "teacher"

Array = NDArray[np.float32]


def label_targets(label: int, companion: int, outputs: Mapping[str, int]) -> dict[str, Array]:
    """Return the target of each output whose label is known, each of shape [labels].

    Parameters
    ----------
    label, companion
        Indices, ``UNLABELLED`` or ``OUTSIDE``.
    outputs
        Size of each output of the network.
    """
    indices = {"logits": label, "companion": companion}
    return {
        name: label_shares(index, outputs[name])
        for name, index in indices.items()
        if name in outputs and index != UNLABELLED
    }


def label_shares(label: int, n_labels: int) -> Array:
    """Return the target of a label, shape [n_labels]; all alike for ``OUTSIDE``."""
    if label == OUTSIDE:
        return np.full(n_labels, 1 / n_labels, dtype=np.float32)
    shares = np.zeros(n_labels, dtype=np.float32)
    shares[label] = 1
    return shares


def comment_between(along: Array, begin: float, end: float) -> Array:
    """Average what the teacher says of the stretches that lie mostly between two shares.

    Parameters
    ----------
    along
        What it says along a clip, shape [stretches, targets].
    begin, end
        Shares of the clip, 0 to 1.
    """
    first = round(begin * len(along))
    last = max(first + 1, round(end * len(along)))
    first = min(first, len(along) - 1)
    mean: Array = along[first:last].mean(axis=0)
    return mean
