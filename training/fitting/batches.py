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
from training.fitting.mixup import Batch, mix_up
from training.fitting.targets import TEACHER, Array, comment_between, label_targets
from training.recipes.fit_settings import FitSettings

ALIGNED_UP_TO = 1.5  # stretches of the teacher; longer windows cover several anyway


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
