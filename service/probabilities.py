"""Turn the logits of a network into probabilities."""

import numpy as np
from numpy.typing import NDArray

Probabilities = NDArray[np.float64]  # [..., labels]


def softmax(logits: NDArray[np.floating]) -> Probabilities:
    """Return the softmax over the last axis, in double precision."""
    shifted = np.asarray(logits, dtype=np.float64)
    exponentials = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    probabilities: Probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities
