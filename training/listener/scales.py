"""Bring what the teachers say to scales that can be learned together, and back.

A teacher's values go up and down together, so each teacher's are turned to their
principal components. Full whitening would have the student learn the faintest of them as
eagerly as the loudest, no whitening only the loudest: each is scaled by the fourth root
of its variance, halfway. What each teacher says has the weight that is given to it,
however many values it has.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.listener.lessons import TARGETS, columns

Array = NDArray[np.float32]

KEPT_VARIANCE = 0.995
WEIGHTS: Mapping[str, float] = {
    "mn04_embedding": 2.0,
    "mn04_classes": 1.0,
    "musicnn_hidden": 1.0,
    "musicnn_tags": 0.5,
    "musicnn_pooled": 0.2,
}
"""mn04's embedding is the hardest to learn and of the most use; nobody asks for pooled values."""


@dataclass(frozen=True)
class Scale:
    """From the teachers' values to what is learned, and back.

    Attributes
    ----------
    mean
        Of the teachers' values, shape [values].
    forth
        From values without their mean to what is learned, shape [values, learned].
    back
        The way back, shape [learned, values]; what was not kept of them is lost.
    """

    mean: Array
    forth: Array
    back: Array

    @classmethod
    def of(cls, targets: NDArray[np.float16], weights: Mapping[str, float] = WEIGHTS) -> "Scale":
        """Find the scale of all lessons' targets, shape [n, values]."""
        values = targets.astype(np.float32)
        mean = values.mean(axis=0)
        forth, back = [], []
        for name in TARGETS:
            place = columns(name)
            there, again = _half_whitened(values[:, place] - mean[place], weights[name])
            forth.append(there)
            back.append(again)
        # On the average, what is learned has a variance of 1, as a network expects.
        gain = np.float32(np.sqrt(sum(part.shape[1] for part in forth) / sum(weights.values())))
        return cls(mean, _block_diagonal(forth) * gain, _block_diagonal(back) / gain)

    def learned(self, targets: NDArray[np.float16]) -> NDArray[np.float16]:
        """Return what is to be learned, shape [n, learned]."""
        scaled = (targets.astype(np.float32) - self.mean) @ self.forth
        return scaled.astype(np.float16)

    def values(self, learned: Array) -> Array:
        """Return what the teachers would say, shape [n, values]."""
        said: Array = learned @ self.back + self.mean
        return said


def explained_variance(said: Array, targets: NDArray[np.float16]) -> dict[str, float]:
    """Return which share of each teacher's variance is explained, its values standardised.

    Parameters
    ----------
    said, targets
        What the student says and what the teachers said, shape [n, values].
    """
    wanted = targets.astype(np.float32)
    variance = np.maximum(wanted.var(axis=0), 1e-8)
    share = 1 - np.mean((said - wanted) ** 2, axis=0) / variance
    return {name: float(share[columns(name)].mean()) for name in TARGETS}


def _half_whitened(values: Array, weight: float) -> tuple[Array, Array]:
    deviation = np.maximum(values.std(axis=0), 1e-4)
    standard = values / deviation
    variances, directions = np.linalg.eigh(np.cov(standard, rowvar=False).astype(np.float64))
    variances, directions = variances[::-1], directions[:, ::-1]
    known = np.cumsum(variances) / variances.sum()
    kept = int(np.searchsorted(known, KEPT_VARIANCE)) + 1
    variances, directions = np.maximum(variances[:kept], 1e-9), directions[:, :kept]
    # The variances of what is learned are the roots of those found; they sum to the weight.
    gain = variances**-0.25 * np.sqrt(weight / np.sqrt(variances).sum())
    there = directions / deviation[:, None] * gain
    again = (directions / gain).T * deviation
    return there.astype(np.float32), again.astype(np.float32)


def _block_diagonal(blocks: list[Array]) -> Array:
    rows, widths = sum(len(block) for block in blocks), sum(block.shape[1] for block in blocks)
    whole = np.zeros((rows, widths), np.float32)
    row = column = 0
    for block in blocks:
        whole[row : row + len(block), column : column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return whole
