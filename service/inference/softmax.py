"""Make probabilities of logits."""

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]  # [..., labels]


def softmax(logits: NDArray[np.floating]) -> Probabilities:
    """Return the softmax over the last axis, in double precision."""
    # In place: of a long clip, there is a row for each window.
    probabilities = np.array(logits, dtype=np.float64)
    probabilities -= probabilities.max(axis=-1, keepdims=True)
    np.exp(probabilities, out=probabilities)
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    return probabilities
