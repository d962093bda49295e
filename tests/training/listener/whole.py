"""A small listener, as it is and in whole numbers."""

import keras
import numpy as np
from numpy.typing import NDArray

from training.listener.rounding import round_off
from training.networks import listener
from training.networks.musicnn import FRAMES, SPEC

TINY = listener.Size(stem=16, blocks=((16, 2), (32, 2), (32, 1)), joined=16, embedding=16)


def plain_listener() -> keras.Model:
    """Build a folded listener with weights that nobody trained."""
    keras.utils.set_random_seed(1)
    plain = listener.with_kinds(listener.build(4, TINY, form=listener.Form.FOLDED))
    rng = np.random.default_rng(0)
    # Biases, too, so that one that is left out shows.
    plain.set_weights(
        [w + 0.1 * rng.standard_normal(w.shape) if w.ndim == 1 else w for w in plain.get_weights()]
    )
    return plain


def levels(n: int, seed: int = 0) -> NDArray[np.float32]:
    """Return windows that rise and fall, shape [n, 187, 96]."""
    rng = np.random.default_rng(seed)
    slow = rng.random((n, FRAMES // 8 + 1, SPEC.bands // 8), np.float32)
    return slow.repeat(8, axis=1).repeat(8, axis=2)[:, :FRAMES]


def whole_listener() -> keras.Model:
    """Return :func:`plain_listener` in whole numbers."""
    return round_off(plain_listener(), levels(24), TINY)
