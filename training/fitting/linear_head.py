"""Fit a linear head on few clips: logistic regression, as strict as the clips at hand ask for.

A hidden layer has more weights than a few dozen clips can settle. A linear layer says of
the mean of a clip's embeddings what it says of its windows on average, so it is fitted to
clips. How strict it is is chosen among some strengths by the log loss on groups held out
of what it learns from; the clips that it is judged on have no say.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from service.inference.softmax import softmax
from training.data.labels import OUTSIDE, UNLABELLED
from training.data.splits import group_folds
from training.fitting.fit_network import Fitted
from training.fitting.material import Item
from training.networks.architectures import linear_net
from training.recipes import Recipe

logger = logging.getLogger(__name__)

PENALTIES = (10.0, 3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
INNER_FOLDS = 4
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

    def only(self, which: NDArray[np.bool_]) -> "Heard":
        """Return some of the clips."""
        return Heard(self.embeddings[which], self.targets[which], self.weights[which])


@dataclass(frozen=True)
class Head:
    """``embeddings @ kernel + bias`` are logits; the losses are those of each step to it."""

    kernel: Array
    bias: Array
    losses: list[float]

    def loss(self, heard: Heard) -> float:
        """Return the weighted log loss on some clips."""
        likely = np.maximum(softmax(heard.embeddings @ self.kernel + self.bias), _TINY)
        each = -(heard.targets * np.log(likely)).sum(axis=1)
        return float((heard.weights * each).sum() / heard.weights.sum())


def fits_linear_head(recipe: Recipe, n_clips: int) -> bool:
    """Tell whether a recipe fits a linear head to so many labelled clips."""
    return recipe.inputs.backbone is not None and n_clips < recipe.fit.linear_below


def fit_linear_head(items: Sequence[Item], recipe: Recipe, seed: int) -> Fitted:
    """Fit a linear head on embedded clips.

    Parameters
    ----------
    items
        Their first grids are the embeddings of their windows, shape [windows, units].
    recipe
        Its labels.
    seed
        Of the folds by which the strictness is chosen.
    """
    known = [item for item in items if item.label != UNLABELLED]
    heard = _heard(known, len(recipe.labels))
    penalty = _best_penalty(heard, known, seed)
    (head,) = fit_heads(heard, [penalty])
    logger.info("linear head on %d clips, penalty %g", len(known), penalty)
    network = linear_net(heard.embeddings.shape[1], len(recipe.labels))
    network.get_layer("logits").set_weights([head.kernel, head.bias])
    return Fitted(network, {"loss": head.losses})


def fit_heads(heard: Heard, penalties: Sequence[float]) -> list[Head]:
    """Fit multinomial logistic regression, with each penalty on the squares of its weights.

    With such a penalty the weights are a mixture of the clips, so they are sought among
    these: there are fewer clips than units.
    """
    share = heard.weights / heard.weights.sum()
    mean = share @ heard.embeddings
    # Units that hardly move tell nothing, and would be blown up to count like the others.
    scale = np.maximum(np.sqrt(share @ (heard.embeddings - mean) ** 2), STILL)
    left, strength, directions = np.linalg.svd(
        (heard.embeddings - mean) / scale, full_matrices=False
    )
    heads = []
    for penalty in penalties:
        found, losses = _fit_rotated(left * strength, heard, penalty)
        kernel = (directions.T @ found[:-1]) / scale[:, np.newaxis]
        heads.append(Head(kernel, found[-1] - mean @ kernel, losses))
    return heads


def _fit_rotated(rotated: Array, heard: Heard, penalty: float) -> tuple[Array, list[float]]:
    """Return the weights, those of the bias last, and the loss after each step."""
    shape = (rotated.shape[1] + 1, heard.targets.shape[1])
    share = heard.weights / heard.weights.sum()
    losses: list[float] = []

    def loss_and_slope(flat: Array) -> tuple[float, Array]:
        weights = flat.reshape(shape)
        likely = softmax(rotated @ weights[:-1] + weights[-1])
        error = share[:, np.newaxis] * (likely - heard.targets)
        log_loss = -(share @ (heard.targets * np.log(np.maximum(likely, _TINY))).sum(axis=1))
        slope = np.vstack([rotated.T @ error + penalty * weights[:-1], error.sum(axis=0)])
        losses.append(float(log_loss))
        return float(log_loss + penalty / 2 * (weights[:-1] ** 2).sum()), slope.ravel()

    found = minimize(
        loss_and_slope,
        np.zeros(shape).ravel(),
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": MOST_STEPS},
    ).x
    return found.reshape(shape), losses


def _heard(items: Sequence[Item], n_labels: int) -> Heard:
    uniform = np.full(n_labels, 1 / n_labels)
    return Heard(
        np.stack([item.grids[0].astype(np.float64).mean(axis=0) for item in items]),
        np.stack(
            [uniform if item.label == OUTSIDE else np.eye(n_labels)[item.label] for item in items]
        ),
        np.array([item.weight for item in items]),
    )


def _best_penalty(heard: Heard, items: Sequence[Item], seed: int) -> float:
    """Return the penalty with the smallest loss on groups held out; a middle one without any."""
    folds = list(_inner_folds(items, seed))
    if not folds:
        return PENALTIES[len(PENALTIES) // 2]

    losses = [
        [head.loss(heard.only(test)) for head in fit_heads(heard.only(~test), PENALTIES)]
        for test in folds
    ]
    return PENALTIES[int(np.mean(losses, axis=0).argmin())]


def _inner_folds(items: Sequence[Item], seed: int) -> Iterator[NDArray[np.bool_]]:
    """Yield which clips to hold out; sounds that have no label are always learned from."""
    own = [i for i, item in enumerate(items) if item.label != OUTSIDE]
    groups = {items[i].group for i in own}
    if len(groups) < 2:
        return
    fold_of = group_folds([items[i] for i in own], min(INNER_FOLDS, len(groups)), seed)
    for fold in set(fold_of):
        test = np.zeros(len(items), dtype=bool)
        test[[i for i, f in zip(own, fold_of, strict=True) if f == fold]] = True
        yield test
