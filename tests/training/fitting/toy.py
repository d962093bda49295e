"""Fit a network on clips that are easily told apart."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.training.tiny import TOY, toy_examples
from training.fitting.batches import Examples
from training.fitting.fit_network import Fitted, fit_network
from training.recipes import Recipe

TRAIN = toy_examples([0, 1] * 10)
STOP = toy_examples([0, 1] * 3, seed=1)
NO_TEACHER = np.zeros((2, 0), np.float32)


def fit_toy(
    backup: Path,
    recipe: Recipe = TOY,
    *,
    train: Examples = TRAIN,
    stop: Examples | None = STOP,
    teacher_moments: NDArray[np.float32] = NO_TEACHER,
    seed: int = 1,
) -> Fitted:
    return fit_network(
        recipe,
        train,
        stop,
        teacher_moments=teacher_moments,
        seed=seed,
        backup=backup,
        description="toy",
    )


def weights(fitted: Fitted) -> NDArray[np.float32]:
    return np.concatenate([w.reshape(-1) for w in fitted.network.get_weights()])
