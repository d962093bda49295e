"""Round the weights of a convolution to whole numbers of seven bits.

Products of these with eight bits, added in pairs, fit into the sixteen bits that processors
without instructions for networks have for them. Seven bits are few, so the weights are rounded
one after another, and those to come make up for what was lost (GPTQ, Frantar et al. 2022), as
well as the sounds that are heard let them.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

LARGEST_WEIGHT = 63

WINDOWS_AT_ONCE = 32
DAMPING = 0.01
"""Share of the mean power that is added to each input's, so that silent ones do no harm."""

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Counted:
    """The weights of a convolution: whole numbers, and the step of each output."""

    counts: Array
    step: NDArray[np.float64]


def counted(convolution: layers.Conv2D, plain: keras.Model, windows: Array) -> Counted:
    """Return the weights of one of a network's convolutions, rounded on what is heard before it."""
    kernel, _ = convolution.get_weights()
    matrix = kernel.reshape(-1, kernel.shape[-1])
    step = np.maximum(np.abs(matrix).max(axis=0), 1e-9) / LARGEST_WEIGHT
    counts = rounded_together(matrix, step, _powers(convolution, plain, windows))
    return Counted(counts.reshape(kernel.shape), step)


def rounded_together(
    matrix: Array, step: NDArray[np.floating], powers: NDArray[np.float64]
) -> Array:
    """Round weights to whole steps, each making up for those before it.

    Parameters
    ----------
    matrix
        The weights, shape [inputs, outputs].
    step
        Of each output, shape [outputs].
    powers
        Mean products of the inputs, up to a factor, shape [inputs, inputs].

    Returns
    -------
    Array
        Whole numbers up to ``LARGEST_WEIGHT``, shape [inputs, outputs].
    """
    damped = powers + np.eye(len(powers)) * max(DAMPING * np.diag(powers).mean(), 1e-12)
    # The loudest inputs first: the many faint ones are left to make up for them.
    order = np.argsort(-np.diag(damped), kind="stable")
    remedies = np.linalg.cholesky(np.linalg.inv(damped[np.ix_(order, order)])).T
    weights = matrix[order].astype(np.float64) / step
    counts = np.zeros_like(weights)
    for row in range(len(weights)):
        counts[row] = np.clip(np.round(weights[row]), -LARGEST_WEIGHT, LARGEST_WEIGHT)
        lost = (weights[row] - counts[row]) / remedies[row, row]
        weights[row + 1 :] -= np.outer(remedies[row, row + 1 :], lost)
    placed = np.empty_like(counts)
    placed[order] = counts
    return placed.astype(np.float32)


def _powers(convolution: layers.Conv2D, plain: keras.Model, windows: Array) -> NDArray[np.float64]:
    """Return how the inputs of a convolution's weights go together, shape [inputs, inputs]."""
    listen = keras.Model(plain.input, convolution.input)
    inputs = int(np.prod(convolution.kernel.shape[:-1]))
    powers = np.zeros((inputs, inputs))
    for start in range(0, len(windows), WINDOWS_AT_ONCE):
        heard = listen.predict_on_batch(windows[start : start + WINDOWS_AT_ONCE])
        seen = keras.ops.image.extract_patches(
            heard, convolution.kernel_size, convolution.strides, padding=convolution.padding
        )
        flat = np.asarray(seen).reshape(-1, inputs)
        powers += flat.T @ flat
    return powers
