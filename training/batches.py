"""Serve augmented windows to Keras, the same ones for the same seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import keras
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from service.features import Grid
from training.augmentation import crop
from training.cache import HalfGrid
from training.fit_settings import FitSettings

# Changes one window; may change the label with it (a transposed chord).
Augment = Callable[[Grid, int, Generator], tuple[Grid, int]]

UNLABELLED = -1
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Examples:
    """What a network learns from.

    Attributes
    ----------
    grids
        Feature grids, each of shape [frames, bands].
    labels
        Index of each grid's label; ``UNLABELLED`` if only the teacher knows the clip.
    weights
        How often each grid is drawn, up to a factor.
    teacher
        What a teacher says along each clip, shape [stretches, targets], the stretches
        evenly spread over the clip; shape [0, targets] if it was not asked.
    """

    grids: Sequence[HalfGrid]
    labels: Sequence[int]
    weights: NDArray[np.float64]
    teacher: Sequence[Array]


@dataclass(frozen=True)
class Batch:
    """Windows with their targets; a weight of 0 means that the target is unknown.

    Attributes
    ----------
    windows
        Shape [batch, frames, bands].
    labels
        Shares of the labels, shape [batch, labels].
    label_weights
        Shape [batch].
    teacher
        Shape [batch, targets].
    teacher_weights
        Shape [batch].
    """

    windows: Array
    labels: Array
    label_weights: Array
    teacher: Array
    teacher_weights: Array


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
    n_labels
        Number of labels.
    frames
        Frames in a window.
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
        n_labels: int,
        frames: int,
        augment: Augment,
        seed: int,
    ) -> None:
        super().__init__()
        self._examples = examples
        self._share = examples.weights / examples.weights.sum()
        self._n_labels = n_labels
        self._frames = frames
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
        targets = {"logits": batch.labels}
        weights = {"logits": batch.label_weights}
        if batch.teacher.shape[1]:
            targets["teacher"] = batch.teacher
            weights["teacher"] = batch.teacher_weights
        return batch.windows, targets, weights

    def _draw(self, rng: Generator) -> Batch:
        examples, size = self._examples, self._settings.batch_size
        drawn = rng.choice(len(examples.grids), size, p=self._share)
        windows = []
        labels = np.zeros((size, self._n_labels), dtype=np.float32)
        teacher = np.zeros((size, examples.teacher[0].shape[1]), dtype=np.float32)
        teacher_weights = np.zeros(size, dtype=np.float32)
        for row, i in enumerate(drawn):
            grid = examples.grids[i]
            start = int(rng.integers(0, max(0, len(grid) - self._frames) + 1))
            window = crop(grid, start, self._frames)
            window, label = self._augment(window, examples.labels[i], rng)
            windows.append(window)
            if label != UNLABELLED:
                labels[row, label] = 1
            if len(examples.teacher[i]):
                end = min(len(grid), start + self._frames)
                teacher[row] = _taught(examples.teacher[i], start / len(grid), end / len(grid))
                teacher_weights[row] = 1
        return Batch(np.stack(windows), labels, labels.sum(axis=1), teacher, teacher_weights)


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

    label_weights = blend(batch.label_weights)
    labels = blend(batch.labels)
    labels /= np.maximum(label_weights, 1e-6)[:, None]
    return Batch(
        windows=blend(batch.windows),
        labels=labels,
        label_weights=label_weights,
        teacher=blend(batch.teacher),
        teacher_weights=batch.teacher_weights * batch.teacher_weights[order],
    )


def _taught(along: Array, begin: float, end: float) -> Array:
    """Average what the teacher says between two shares of the clip."""
    first = int(begin * len(along))
    last = max(first + 1, int(np.ceil(end * len(along))))
    mean: Array = along[first:last].mean(axis=0)
    return mean
