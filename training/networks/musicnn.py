"""MSD_musicnn rebuilt in Keras: what a network trained on 200,000 songs knows.

Pons and Serra (ISMIR 2019, "musicnn: pre-trained convolutional neural networks for
music audio tagging") trained it on the tags of the Million Song Dataset. Its front end
looks for timbres (tall filters, their best match over all pitches) and for rhythms
(long filters, their best match over all bands), its middle for patterns over time; means
and maxima over the window feed one hidden layer and 50 tags.

The architecture is rebuilt from the paper, the weights are read from the installed
package ``musicnn`` (ISC licence). Training has left most filters of the front end with
weights of zero: they answer with a constant, whatever sounds. The pruned network has
only the others, with the constants in the biases behind them; it hears the same at a
fifteenth of the cost.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from service.inference.features import FeatureSpec
from training.errors import TrainingError

FRAMES = 187
HIDDEN = 200
TAGS = 50
UNITS = 760
"""Length of :func:`embedding`."""

GAIN = 10_000
SPEC = FeatureSpec(
    name="log_mel",
    sample_rate_hz=16_000,
    fft_samples=512,
    hop_samples=256,
    bands=96,
    spectrum="power",
    range_db=100.0,
    reference_power=1_000.0,
)
"""Its front end: what is 100 dB below the reference is lost in ``10000 power + 1`` anyway."""

RELATIVE_SPEC = SPEC.model_copy(update={"range_db": 80.0, "reference_power": None})
"""The same with levels relative to the clip's loudest band, whatever its volume."""

USUAL_LOUDEST_POWER = 100.0
"""What the loudest band has in the median of the music clips; stands for an unknown volume."""

INSTALL_HINT = (
    "MSD_musicnn's weights come with the package musicnn, whose old pins forbid a normal "
    "installation: pip install --no-deps musicnn==0.1.0"
)

Array = NDArray[np.float32]

_EPSILON = 1e-3
_MOMENTUM = 0.95
_KERNELS = ((7, 38), (7, 67), (128, 1), (64, 1), (32, 1))
_MIDDLE = 64
_DEAD = 1e-3  # all but two of the filters have weights above 0.03 or below 1e-6
_TALL = 2  # so many of the kernels are tall, the others long


@dataclass(frozen=True)
class FrontEnd:
    """How many filters the front end has, and in which order it works.

    Attributes
    ----------
    filters
        Number of filters of each kernel.
    normalised_last
        Whether the maximum over the bands is taken before the normalisation: that costs a
        fiftieth, and makes no difference where all scales are positive.
    """

    filters: tuple[int, ...] = (204, 204, 51, 51, 51)
    normalised_last: tuple[bool, ...] = (False,) * 5


ORIGINAL = FrontEnd()


def build(front_end: FrontEnd = ORIGINAL, spec: FeatureSpec = SPEC) -> keras.Model:
    """Build the network, untrained; see :func:`pretrained` and :func:`pruned`.

    Parameters
    ----------
    front_end
        How many filters there are.
    spec
        Features that it is given: :data:`SPEC` or :data:`RELATIVE_SPEC`.

    Returns
    -------
    keras.Model
        From windows [187, 96] to the hidden layer [200] and the tags' logits [50].
    """
    window = keras.Input((FRAMES, SPEC.bands), name="window")
    x = _normalise(layers.Reshape((FRAMES, SPEC.bands, 1))(_compress(window, spec)), 0)
    front = [_front_end(x, number, front_end) for number in range(len(_KERNELS))]
    first = _mid_end(layers.Concatenate()(front), 5)
    second = layers.Add()([_mid_end(first, 6), first])
    third = layers.Add()([_mid_end(second, 7), second])
    along = layers.Concatenate()([*front, first, second, third])
    pooled = layers.Concatenate()(
        [layers.GlobalMaxPooling1D()(along), layers.GlobalAveragePooling1D()(along)]
    )
    hidden = layers.Dense(HIDDEN, activation="relu", name="dense")(_normalise(pooled, 9))
    hidden = _normalise(hidden, 10)
    tags = layers.Dense(TAGS, name="dense_1")(hidden)
    return keras.Model(window, [hidden, tags], name="musicnn")


def pretrained() -> keras.Model:
    """Return the original with its published weights.

    Raises
    ------
    TrainingError
        The package ``musicnn`` is not installed.
    """
    network = build()
    _set_weights(network, _published_weights())
    return network


def pruned(spec: FeatureSpec = SPEC) -> keras.Model:
    """Return the network without the filters that are zero, for features of :func:`build`.

    It hears what :func:`pretrained` hears, but for the nine frames at either end of a
    window, whose neighbours outside are silent and not the constants of dead filters.

    Raises
    ------
    TrainingError
        The package ``musicnn`` is not installed.
    """
    weights = _published_weights()
    alive = [_alive(weights[_suffixed("conv2d", number)][0]) for number in range(len(_KERNELS))]
    weights = _without_dead_filters(weights, alive)
    scales = [weights[_suffixed("batch_normalization", n + 1)][0] for n in range(len(_KERNELS))]
    front_end = FrontEnd(
        filters=tuple(len(scale) for scale in scales),
        normalised_last=tuple(bool((scale > 0).all()) for scale in scales),
    )
    network = build(front_end, spec)
    _set_weights(network, weights)
    return network


def embedding() -> keras.Model:
    """Return the pruned network with all of its upper floors as one output.

    Returns
    -------
    keras.Model
        From windows [187, 96] to [760]: the hidden layer, the tags' logits, and the
        normalised means and maxima over time of all that is found.

    Raises
    ------
    TrainingError
        The package ``musicnn`` is not installed.
    """
    network = pruned()
    pooled = network.get_layer("batch_normalization_9").output
    heard = layers.Concatenate()([*network.output, pooled])
    backbone = keras.Model(network.input, heard, name="musicnn_embedding")
    backbone.trainable = False
    return backbone


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


def _compress(window: keras.KerasTensor, spec: FeatureSpec) -> keras.KerasTensor:
    """Turn levels from 0 to 1 into log10(10000 power + 1), as the original has it."""
    decades = spec.range_db / 10
    highest = np.log10(GAIN * (spec.reference_power or USUAL_LOUDEST_POWER))
    # log10(10^x + 1) is softplus(x ln 10) / ln 10.
    x = layers.Rescaling(decades * np.log(10), (highest - decades) * np.log(10))(window)
    return layers.Rescaling(1 / np.log(10))(layers.Activation("softplus")(x))


def _suffixed(name: str, number: int) -> str:
    return name if number == 0 else f"{name}_{number}"


def _normalise(x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    name = _suffixed("batch_normalization", number)
    return layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=name)(x)


def _front_end(x: keras.KerasTensor, number: int, front_end: FrontEnd) -> keras.KerasTensor:
    """Find the best match of each filter over all bands, shape [frames, filters]."""
    filters, kernel, tall = front_end.filters[number], _KERNELS[number], number < _TALL
    if tall:
        x = layers.ZeroPadding2D(((3, 3), (0, 0)))(x)
    x = layers.Conv2D(
        filters,
        kernel,
        padding="valid" if tall else "same",
        activation="relu",
        name=_suffixed("conv2d", number),
    )(x)
    best = layers.MaxPooling2D((1, x.shape[2]))
    if front_end.normalised_last[number]:
        return _normalise(layers.Reshape((FRAMES, filters))(best(x)), number + 1)
    return layers.Reshape((FRAMES, filters))(best(_normalise(x, number + 1)))


def _mid_end(x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    name = _suffixed("conv2d", number)
    x = layers.Conv1D(_MIDDLE, 7, padding="same", activation="relu", name=name)(x)
    return _normalise(x, number + 1)


def _published_weights() -> dict[str, list[Array]]:
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
        _suffixed(kind, n): [read(f"{_suffixed(kind, n)}/{part}") for part in parts[kind]]
        for kind, count in counts.items()
        for n in range(count)
    }
    for number in (5, 6, 7):  # one-dimensional here
        weights[_suffixed("conv2d", number)][0] = weights[_suffixed("conv2d", number)][0][:, :, 0]
    # The original flattens pairs of (maximum, mean); here all maxima come first.
    n_pooled = len(weights["dense"][0])
    order = np.concatenate([np.arange(0, n_pooled, 2), np.arange(1, n_pooled, 2)])
    weights["batch_normalization_9"] = [w[order] for w in weights["batch_normalization_9"]]
    weights["dense"][0] = weights["dense"][0][order]
    return weights


def _set_weights(network: keras.Model, weights: Mapping[str, list[Array]]) -> None:
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])


def _alive(kernel: Array) -> NDArray[np.bool_]:
    """Tell which filters of a kernel, shape [frames, bands, 1, filters], are not zero."""
    return np.asarray(np.abs(kernel).max(axis=(0, 1, 2)) > _DEAD)


def _without_dead_filters(
    weights: Mapping[str, list[Array]], alive: Sequence[NDArray[np.bool_]]
) -> dict[str, list[Array]]:
    """Leave filters out, and add what they always say to the biases behind them."""
    kept = dict(weights)
    constants = []
    for number, living in enumerate(alive):
        conv, norm = _suffixed("conv2d", number), _suffixed("batch_normalization", number + 1)
        kernel, bias = weights[conv]
        constants.append(_normalised(np.maximum(bias, 0), weights[norm]))
        kept[conv] = [kernel[..., living], bias[living]]
        kept[norm] = [w[living] for w in weights[norm]]
    constant, living = np.concatenate(constants), np.concatenate(alive)

    kernel, bias = weights["conv2d_5"]
    said = np.tensordot(constant[~living], kernel.sum(axis=0)[~living], axes=1)
    kept["conv2d_5"] = [kernel[:, living], bias + said]

    along = np.concatenate([living, np.ones(3 * _MIDDLE, dtype=bool)])
    pooled = np.concatenate([along, along])
    constant = np.concatenate([constant, np.zeros(3 * _MIDDLE, dtype=np.float32)])
    normalised = _normalised(np.concatenate([constant, constant]), weights["batch_normalization_9"])
    kernel, bias = weights["dense"]
    kept["batch_normalization_9"] = [w[pooled] for w in weights["batch_normalization_9"]]
    kept["dense"] = [kernel[pooled], bias + normalised[~pooled] @ kernel[~pooled]]
    return kept


def _normalised(x: Array, weights: Sequence[Array]) -> Array:
    gamma, beta, mean, variance = weights
    y: Array = gamma * (x - mean) / np.sqrt(variance + _EPSILON) + beta
    return y
