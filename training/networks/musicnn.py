"""MSD_musicnn rebuilt in Keras: what a network trained on 200,000 songs knows.

Pons and Serra (ISMIR 2019, "musicnn: pre-trained convolutional neural networks for
music audio tagging") trained it on the tags of the Million Song Dataset. Its front end
looks for timbres (tall filters, their best match over all pitches) and for rhythms
(long filters, their best match over all bands), its middle for patterns over time; means
and maxima over the window feed one hidden layer and 50 tags.

The architecture is rebuilt from the paper, its weights are those of
:mod:`training.networks.musicnn_weights`. The pruned network has only the filters that are not dead,
with the constants that these say in the biases behind them; it hears the same at a fifteenth of the
cost.
"""

from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from service.inference.features import FeatureSpec
from training.networks.musicnn_weights import (
    EPSILON,
    FRONT,
    MIDDLE,
    Weights,
    layer_name,
    published_weights,
    without_dead_filters,
)

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


_MOMENTUM = 0.95
_KERNELS = ((7, 38), (7, 67), (128, 1), (64, 1), (32, 1))
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
    front = [_front_end(x, number, front_end) for number in range(FRONT)]
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
    _set_weights(network, published_weights())
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
    weights = without_dead_filters(published_weights())
    scales = [weights[layer_name("batch_normalization", n + 1)][0] for n in range(FRONT)]
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


def _compress(window: keras.KerasTensor, spec: FeatureSpec) -> keras.KerasTensor:
    """Turn levels from 0 to 1 into log10(10000 power + 1), as the original has it."""
    decades = spec.range_db / 10
    highest = np.log10(GAIN * (spec.reference_power or USUAL_LOUDEST_POWER))
    # log10(10^x + 1) is softplus(x ln 10) / ln 10.
    x = layers.Rescaling(decades * np.log(10), (highest - decades) * np.log(10))(window)
    return layers.Rescaling(1 / np.log(10))(layers.Activation("softplus")(x))


def _normalise(x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    name = layer_name("batch_normalization", number)
    return layers.BatchNormalization(momentum=_MOMENTUM, epsilon=EPSILON, name=name)(x)


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
        name=layer_name("conv2d", number),
    )(x)
    best = layers.MaxPooling2D((1, x.shape[2]))
    if front_end.normalised_last[number]:
        return _normalise(layers.Reshape((FRAMES, filters))(best(x)), number + 1)
    return layers.Reshape((FRAMES, filters))(best(_normalise(x, number + 1)))


def _mid_end(x: keras.KerasTensor, number: int) -> keras.KerasTensor:
    name = layer_name("conv2d", number)
    x = layers.Conv1D(MIDDLE, 7, padding="same", activation="relu", name=name)(x)
    return _normalise(x, number + 1)


def _set_weights(network: keras.Model, weights: Weights) -> None:
    for layer in network.layers:
        if layer.weights:
            layer.set_weights(weights[layer.name])
