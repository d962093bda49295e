"""A linear head on what a pretrained network hears: logistic regression.

A linear layer says of the mean of a clip's embeddings what it says of its windows on
average, so it is fitted to clips.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from service.inference.softmax import softmax
from training.data.labels import OUTSIDE, UNLABELLED
from training.fitting.fit_network import Fitted
from training.fitting.items import Item
from training.networks.architectures import linear_net
from training.recipes import Recipe

MOST_STEPS = 200
STILL = 1e-2
_TINY = 1e-12

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Heard:
    """What the pretrained network heard in some clips, and what it should make of that.

    Attributes
    ----------
    embeddings
        Mean over the windows of each clip, shape [clips, units].
    targets
        Probabilities of the labels, shape [clips, labels]; all alike for a clip of none.
    weights
        How much each clip counts, shape [clips].
    """

    embeddings: Array
    targets: Array
    weights: Array

    @classmethod
    def of(cls, items: Sequence[Item], n_labels: int) -> "Heard":
        """Return what was heard in items, each of which has a label or is known to have none."""
        uniform = np.full(n_labels, 1 / n_labels)
        return cls(
            np.stack([item.grids[0].astype(np.float64).mean(axis=0) for item in items]),
            np.stack(
                [
                    uniform if item.label == OUTSIDE else np.eye(n_labels)[item.label]
                    for item in items
                ]
            ),
            np.array([item.weight for item in items]),
        )

    def only(self, which: NDArray[np.bool_]) -> "Heard":
        """Return some of the clips."""
        return Heard(self.embeddings[which], self.targets[which], self.weights[which])


@dataclass(frozen=True)
class Head:
    """``embeddings @ kernel + bias`` are logits; the losses are those of each step to it."""

    kernel: Array
    bias: Array
    losses: list[float]

    def logits(self, embeddings: Array) -> Array:
        """Return the logits of clips, shape [clips, labels]."""
        found: Array = embeddings @ self.kernel + self.bias
        return found


class Path:
    """Heads of several penalties on the same clips, each sought from where the last one was found.

    Where there are fewer clips than units, the weights are sought among mixtures of the
    clips, since with a penalty on their squares they are one.

    Parameters
    ----------
    heard
        What to learn from.
    """

    def __init__(self, heard: Heard) -> None:
        self._share = heard.weights / heard.weights.sum()
        self._targets = heard.targets
        self._mean = self._share @ heard.embeddings
        # Units that hardly move tell nothing, and would be blown up to count like the others.
        spread = np.sqrt(self._share @ (heard.embeddings - self._mean) ** 2)
        self._scale = np.maximum(spread, STILL)
        self._seen = (heard.embeddings - self._mean) / self._scale
        self._directions: Array | None = None
        if len(self._seen) < self._seen.shape[1]:
            left, strength, self._directions = np.linalg.svd(self._seen, full_matrices=False)
            self._seen = left * strength
        # Those of the bias come last.
        self._weights = np.zeros((self._seen.shape[1] + 1, heard.targets.shape[1]))

    def head(self, penalty: float) -> Head:
        """Return the head of a penalty on the squares of the weights."""
        losses: list[float] = []

        def loss_and_slope(flat: Array) -> tuple[float, Array]:
            weights = flat.reshape(self._weights.shape)
            likely = softmax(self._seen @ weights[:-1] + weights[-1])
            error = self._share[:, np.newaxis] * (likely - self._targets)
            log_likely = np.log(np.maximum(likely, _TINY))
            log_loss = -(self._share @ (self._targets * log_likely).sum(axis=1))
            slope = np.vstack([self._seen.T @ error + penalty * weights[:-1], error.sum(axis=0)])
            losses.append(float(log_loss))
            return float(log_loss + penalty / 2 * (weights[:-1] ** 2).sum()), slope.ravel()

        found = minimize(
            loss_and_slope,
            self._weights.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": MOST_STEPS},
        ).x
        self._weights = found.reshape(self._weights.shape)
        turned = self._weights[:-1]
        if self._directions is not None:
            turned = self._directions.T @ turned
        kernel = turned / self._scale[:, np.newaxis]
        return Head(kernel, self._weights[-1] - self._mean @ kernel, losses)


def with_known_label(items: Sequence[Item]) -> list[Item]:
    """Return those of which it is known which label they have, or that they have none."""
    return [item for item in items if item.label != UNLABELLED]


def fit_linear_head(items: Sequence[Item], recipe: Recipe, penalty: float) -> Fitted:
    """Fit a linear head on embedded clips.

    Parameters
    ----------
    items
        Their first grids are the embeddings of their windows, shape [windows, units].
    recipe
        Its labels.
    penalty
        On the squares of the weights; the higher, the less it dares to say.
    """
    heard = Heard.of(with_known_label(items), len(recipe.labels))
    head = Path(heard).head(penalty)
    network = linear_net(heard.embeddings.shape[1], len(recipe.labels))
    network.get_layer("logits").set_weights([head.kernel, head.bias])
    return Fitted(network, {"loss": head.losses})
