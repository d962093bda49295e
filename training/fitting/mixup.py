"""Blend windows with each other, and what is known of them alike (mixup, Zhang et al. 2018)."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from training.fitting.targets import TEACHER, Array


@dataclass(frozen=True)
class Batch:
    """Windows with their targets by output; a weight of 0 means that the target is unknown.

    Attributes
    ----------
    windows
        Shape [batch, frames, bands].
    targets
        Shares of the labels, or the teacher's targets, each of shape [batch, size of the output].
    weights
        Each of shape [batch].
    """

    windows: Array
    targets: dict[str, Array]
    weights: dict[str, Array]


def mix_up(batch: Batch, rng: Generator, *, alpha: float) -> Batch:
    """Blend a batch with itself in another order (mixup, Zhang et al. 2018).

    A blend's label counts as far as its parts are labelled; the teacher's target
    counts only where both parts have one.

    Parameters
    ----------
    batch
        What to blend.
    rng
        Source of randomness.
    alpha
        Both parameters of the beta distribution of the weights.
    """
    size = len(batch.windows)
    share = rng.beta(alpha, alpha, size).astype(np.float32)
    share = np.maximum(share, 1 - share)
    order = rng.permutation(size)

    def blend(x: Array) -> Array:
        own = share.reshape(-1, *[1] * (x.ndim - 1))
        return own * x + (1 - own) * x[order]

    targets, weights = {}, {}
    for name, target in batch.targets.items():
        weight = batch.weights[name]
        if name == TEACHER:
            weights[name], targets[name] = weight * weight[order], blend(target)
        else:
            # Unknown labels are rows of zeros.
            weights[name] = blend(weight)
            targets[name] = blend(target) / np.maximum(weights[name], 1e-6)[:, None]
    return Batch(blend(batch.windows), targets, weights)
