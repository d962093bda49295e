"""The published weights of MSD_musicnn, and what is left of them without their dead filters.

They are read from the installed package ``musicnn`` (ISC licence). Training has left most filters
of the front end with weights of zero: they answer with a constant, whatever sounds.
"""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

INSTALL_HINT = (
    "MSD_musicnn's weights come with the package musicnn, whose old pins forbid a normal "
    "installation: pip install --no-deps musicnn==0.1.0"
)

EPSILON = 1e-3
"""Of the normalisations."""

FRONT = 5
"""Layers of the front end, which come first."""

MIDDLE = 64
"""Filters of each layer between the front end and what is pooled."""

_DEAD = 1e-3  # all but two of the filters have weights above 0.03 or below 1e-6

Array = NDArray[np.float32]
Weights = Mapping[str, list[Array]]
"""By layer, in its own order."""


def checkpoint_folder() -> Path:
    """Return the folder of the published weights.

    Raises
    ------
    TrainingError
        The package ``musicnn`` is not installed.
    """
    package = find_spec("musicnn")
    if package is None or not package.submodule_search_locations:
        raise TrainingError(INSTALL_HINT)
    return Path(package.submodule_search_locations[0]) / "MSD_musicnn"


def layer_name(name: str, number: int) -> str:
    """Return the name of a layer, of which the first of a kind has no number."""
    return name if number == 0 else f"{name}_{number}"


def published_weights() -> dict[str, list[Array]]:
    """Read the weights by layer, in the order and shapes of the layers here."""
    from tensorflow.python.training import py_checkpoint_reader  # noqa: PLC0415

    # The files in the folder have no name but their suffix, hence the closing slash.
    read = py_checkpoint_reader.NewCheckpointReader(f"{checkpoint_folder()}/").get_tensor
    parts = {
        "batch_normalization": ("gamma", "beta", "moving_mean", "moving_variance"),
        "conv2d": ("kernel", "bias"),
        "dense": ("kernel", "bias"),
    }
    counts = {"batch_normalization": 11, "conv2d": 8, "dense": 2}
    weights = {
        layer_name(kind, n): [read(f"{layer_name(kind, n)}/{part}") for part in parts[kind]]
        for kind, count in counts.items()
        for n in range(count)
    }
    for number in (5, 6, 7):  # one-dimensional here
        weights[layer_name("conv2d", number)][0] = weights[layer_name("conv2d", number)][0][:, :, 0]
    # The original flattens pairs of (maximum, mean); here all maxima come first.
    n_pooled = len(weights["dense"][0])
    order = np.concatenate([np.arange(0, n_pooled, 2), np.arange(1, n_pooled, 2)])
    weights["batch_normalization_9"] = [w[order] for w in weights["batch_normalization_9"]]
    weights["dense"][0] = weights["dense"][0][order]
    return weights


def without_dead_filters(weights: Weights) -> dict[str, list[Array]]:
    """Leave them out, and add what they always say to the biases behind them."""
    alive = [_alive(weights[layer_name("conv2d", number)][0]) for number in range(FRONT)]
    kept = dict(weights)
    constants = []
    for number, living in enumerate(alive):
        conv, norm = layer_name("conv2d", number), layer_name("batch_normalization", number + 1)
        kernel, bias = weights[conv]
        constants.append(_normalised(np.maximum(bias, 0), weights[norm]))
        kept[conv] = [kernel[..., living], bias[living]]
        kept[norm] = [w[living] for w in weights[norm]]
    constant, living = np.concatenate(constants), np.concatenate(alive)

    kernel, bias = weights["conv2d_5"]
    said = np.tensordot(constant[~living], kernel.sum(axis=0)[~living], axes=1)
    kept["conv2d_5"] = [kernel[:, living], bias + said]

    along = np.concatenate([living, np.ones(3 * MIDDLE, dtype=bool)])
    pooled = np.concatenate([along, along])
    constant = np.concatenate([constant, np.zeros(3 * MIDDLE, dtype=np.float32)])
    normalised = _normalised(np.concatenate([constant, constant]), weights["batch_normalization_9"])
    kernel, bias = weights["dense"]
    kept["batch_normalization_9"] = [w[pooled] for w in weights["batch_normalization_9"]]
    kept["dense"] = [kernel[pooled], bias + normalised[~pooled] @ kernel[~pooled]]
    return kept


def _alive(kernel: Array) -> NDArray[np.bool_]:
    """Tell which filters of a kernel, shape [frames, bands, 1, filters], are not zero."""
    return np.asarray(np.abs(kernel).max(axis=(0, 1, 2)) > _DEAD)


def _normalised(x: Array, weights: Sequence[Array]) -> Array:
    gamma, beta, mean, variance = weights
    y: Array = gamma * (x - mean) / np.sqrt(variance + EPSILON) + beta
    return y
