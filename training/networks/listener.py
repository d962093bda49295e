"""The student: a small residual network for windows of three seconds.

Plain 3x3 convolutions, because they use a processor well: at the same price they hear
more than twice as much as depthwise ones, and they learn four times as fast. The bands
that are left after four halvings stay apart until one filter as wide as all of them
joins them, so a bass line is not a whistle; means and maxima over time feed a hidden
layer, the embedding, and all that the teachers say is a linear map of that.
"""

from dataclasses import dataclass

import keras
from keras import layers

from training.networks.musicnn import FRAMES, SPEC

EMBEDDING = "listener_embedding"
MOMENTUM = 0.97
"""Of the normalisations' statistics, which must keep up with weights that still change."""


@dataclass(frozen=True)
class Size:
    """How large a student is; multiples of 16, with fewer filters TensorFlow's oneDNN may crash.

    Attributes
    ----------
    stem
        Filters of the first convolution.
    blocks
        Filters and stride of each residual block.
    joined
        Filters that see all bands.
    embedding
        Units of the embedding.
    """

    stem: int = 16
    blocks: tuple[tuple[int, int], ...] = ((32, 2), (64, 2), (128, 2), (128, 1))
    joined: int = 384
    embedding: int = 512


def build(outputs: int, size: Size | None = None) -> keras.Model:
    """Build a student, untrained.

    Parameters
    ----------
    outputs
        How many values it is to learn.
    size
        How large it is.

    Returns
    -------
    keras.Model
        From windows [187, 96] with levels from 0 to 1 to [outputs].
    """
    size = size or Size()
    window = keras.Input((FRAMES, SPEC.bands), name="window")
    x = layers.Reshape((FRAMES, SPEC.bands, 1))(window)
    x = _convolve(x, size.stem, 3, 2)
    for filters, stride in size.blocks:
        x = _residual(x, filters, stride)
    x = layers.Conv2D(size.joined, (1, x.shape[2]), use_bias=False)(x)
    x = layers.Reshape((x.shape[1], size.joined))(x)
    x = layers.Activation("relu")(layers.BatchNormalization(momentum=MOMENTUM)(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    x = layers.BatchNormalization(momentum=MOMENTUM)(layers.Dense(size.embedding, use_bias=False)(x))
    embedding = layers.Activation("relu", dtype="float32", name=EMBEDDING)(x)
    said = layers.Dense(outputs, kernel_initializer="zeros", dtype="float32", name="said")(
        embedding
    )
    return keras.Model(window, said, name="listener")


def hearing(network: keras.Model) -> keras.Model:
    """Return the part of a student that hears: from windows to [embedding], not to be trained."""
    heard = keras.Model(network.input, network.get_layer(EMBEDDING).output, name="hearing")
    heard.trainable = False
    return heard


def _convolve(
    x: keras.KerasTensor, filters: int, kernel: int, stride: int, *, last: bool = False
) -> keras.KerasTensor:
    x = layers.Conv2D(filters, kernel, stride, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization(momentum=MOMENTUM)(x)
    return x if last else layers.Activation("relu")(x)


def _residual(x: keras.KerasTensor, filters: int, stride: int) -> keras.KerasTensor:
    y = _convolve(_convolve(x, filters, 3, stride), filters, 3, 1, last=True)
    if stride > 1 or x.shape[-1] != filters:
        x = _convolve(x, filters, 1, stride, last=True)
    return layers.Activation("relu")(layers.Add()([x, y]))
