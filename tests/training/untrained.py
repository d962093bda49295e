"""Stand in for the training of a network, where it is asked only what is done around it."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from training.fitting.batches import Examples
from training.fitting.fit_network import Fitted, fit_network
from training.fitting.run_folder import FINAL
from training.recipes import Recipe


def leave_untrained(
    recipe: Recipe,
    train: Examples,
    stop: Examples | None,  # noqa: ARG001
    *,
    teacher_moments: NDArray[np.float32],
    seed: int,
    **_: Any,
) -> Fitted:
    """Return the network that :func:`fit_network` would begin with, at once."""
    assert train.grids
    keras.utils.set_random_seed(seed)
    losses = np.linspace(1, 0.5, recipe.fit.epochs).tolist()
    return Fitted(recipe.build(teacher_moments.shape[1]), {"loss": losses})


def train_the_last(*examples: Any, description: str, **how: Any) -> Fitted:
    """Train the network that is kept, not those that only judge it."""
    train = fit_network if description.endswith(f" {FINAL}") else leave_untrained
    return train(*examples, description=description, **how)
