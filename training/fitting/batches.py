"""Serve augmented windows to Keras, the same ones for the same seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from service.inference.windows import WindowSpec, cut_windows
from training.augmentation.alterations import Augment
from training.data.cache import HalfGrid
from training.data.labels import OUTSIDE, UNLABELLED
from training.recipes.fit_settings import FitSettings

TEACHER = "teacher"
ALIGNED_UP_TO = 1.5  # stretches of the teacher; longer windows cover several anyway

Array = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """What a network learns from.

    Attributes
    ----------
    grids
        Feature grids, each of shape [frames, bands].
    labels
        Index of each grid's label; ``UNLABELLED`` if it is unknown, ``OUTSIDE`` if it is
        known to be none of them, so that no label should be likelier than another.
    companions
        The same for the labels of the companion task.
    weights
        How often each grid is drawn, up to a factor.
    teacher
        What a teacher says along each clip, shape [stretches, targets], the stretches
        evenly spread over the clip; shape [0, targets] if it was not asked.
    """

    grids: Sequence[HalfGrid]
    labels: Sequence[int]
    companions: Sequence[int]
    weights: NDArray[np.float64]
    teacher: Sequence[Array]


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


class WindowBatches(keras.utils.PyDataset):  # type: ignore[misc]  # keras has no types
    """Random windows of random clips, drawn anew in every epoch.

    A batch depends only on seed, epoch and place, so that training which was
    interrupted goes on as if it had not been.

    Parameters
    ----------
    examples
        Clips to draw from.
    settings
        Size and number of batches, and how they are mixed.
    outputs
        Size of each output of the network: ``logits``, maybe ``companion`` and ``teacher``.
    windows
        How long a window is, and what fills it where a clip ends too soon.
    augment
        Changes a window.
    seed
        Seed of everything random.
    """

    def __init__(
        self,
        examples: Examples,
        settings: FitSettings,
        *,
        outputs: Mapping[str, int],
        windows: WindowSpec,
        augment: Augment,
        seed: int,
    ) -> None:
        super().__init__()
        self._examples = examples
        self._share = examples.weights / examples.weights.sum()
        self._outputs = outputs
        self._windows = windows
        self._augment = augment
        self._settings = settings
        self._seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        """Batches in an epoch."""
        return self._settings.batches_per_epoch

    def __getitem__(self, index: int) -> tuple[Array, dict[str, Array], dict[str, Array]]:
        """Return windows, targets by output and weights by output."""
        rng = np.random.default_rng([self._seed, self.epoch, index])
        batch = self._draw(rng)
        alpha = self._settings.mixup_alpha
        if alpha is not None and rng.random() < self._settings.mixup_share:
            batch = mix_up(batch, rng, alpha=alpha)
        return batch.windows, batch.targets, batch.weights

    def _draw(self, rng: Generator) -> Batch:
        size = self._settings.batch_size
        windows = []
        targets = {name: np.zeros((size, n), np.float32) for name, n in self._outputs.items()}
        weights = {name: np.zeros(size, np.float32) for name in self._outputs}
        for row, i in enumerate(rng.choice(len(self._share), size, p=self._share)):
            window, target = self._example(int(i), rng)
            windows.append(window)
            for name, value in target.items():
                targets[name][row] = value
                weights[name][row] = 1
        return Batch(np.stack(windows), targets, weights)

    def _example(self, i: int, rng: Generator) -> tuple[Array, dict[str, Array]]:
        """Return an augmented window of one clip, and what is known of it by output."""
        grid, comments = self._examples.grids[i], self._examples.teacher[i]
        frames = self._windows.frames
        start = _draw_start(len(grid), frames, len(comments), rng)
        window = cut_windows(grid[start : start + frames].astype(np.float32), self._windows)[0]
        window, label = self._augment(window, self._examples.labels[i], rng)
        target = label_targets(label, self._examples.companions[i], self._outputs)
        if TEACHER in self._outputs and len(comments):
            end = min(len(grid), start + frames)
            target[TEACHER] = comment_between(comments, start / len(grid), end / len(grid))
        return window, target


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


def _draw_start(n_frames: int, frames: int, stretches: int, rng: Generator) -> int:
    """Draw where a window begins: anywhere, or where the teacher listened.

    A window that is no longer than the teacher's stretches begins within a tenth of its
    length of one of them, so that the comment is about what the network hears.
    """
    last = max(0, n_frames - frames)
    if stretches and frames <= n_frames / stretches * ALIGNED_UP_TO:
        nearby = int(rng.integers(stretches)) * last / max(1, stretches - 1)
        nearby += rng.uniform(-0.1, 0.1) * frames
        return int(np.clip(nearby, 0, last))
    return int(rng.integers(0, last + 1))


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
