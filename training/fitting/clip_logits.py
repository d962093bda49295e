"""Ask a network of Keras about whole clips, by their windows that count."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from service.inference.clip_answer import clip_logits as join_windows
from training.data.cache import HalfGrid
from training.fitting.counting import cut_counting
from training.recipes import Recipe

PREDICT_BATCH = 256


def clip_logits(
    network: keras.Model, grids: Sequence[HalfGrid], recipe: Recipe
) -> NDArray[np.float32]:
    """Return the mean logits of each clip's windows that count, shape [clips, labels]."""

    def ask(cut: NDArray[np.float32]) -> NDArray[np.float32]:
        # Called, not compiled: a network of a fold is asked only a few times.
        return in_batches(lambda batch: np.asarray(network(batch, training=False)["logits"]), cut)

    return logits_of(ask, grids, recipe)


def in_batches(
    ask: Callable[[NDArray[np.float32]], NDArray[np.float32]], windows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what is said of windows, asked about some at a time."""
    starts = range(0, len(windows), PREDICT_BATCH)
    return np.concatenate([ask(windows[at : at + PREDICT_BATCH]) for at in starts])


def logits_of(
    ask: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    grids: Sequence[HalfGrid],
    recipe: Recipe,
) -> NDArray[np.float32]:
    """Return the mean of what is said of each clip's windows, shape [clips, labels].

    Parameters
    ----------
    ask
        From windows, shape [windows, frames, bands], to their logits.
    grids
        Of the clips.
    recipe
        Tells how they are cut, and which windows count.
    """
    cut = [cut_counting(grid, recipe) for grid in grids]
    ends = np.cumsum([len(w) for w in cut])[:-1]
    return np.stack([join_windows(part) for part in np.split(ask(np.concatenate(cut)), ends)])
