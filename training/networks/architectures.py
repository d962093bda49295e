"""The Keras networks, each a function from a window's shape to a functional model.

All take windows of shape [frames, bands] and return logits of shape [labels]. They
use only operations that tf2onnx converts faithfully (no GRU, no exact GELU, no
``Sequential``); :mod:`training.results.export` proves it for every bundle.
"""

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

SEMITONES = 12
QUALITIES_LAYER = "qualities"


def chord_net(frames: int, bands: int, qualities: int, *, width: int = 16) -> keras.Model:
    """Build a network that treats the twelve roots alike.

    Convolutions over a log-frequency axis do not care how high a chord sounds; the
    octaves are then folded and one circular convolution, shared by all roots, compares
    each pitch class with the eleven above it. So a diminished chord learned on one
    root is known on every root.

    Parameters
    ----------
    frames, bands
        Shape of a window; ``bands`` holds whole octaves of 36 bands, three a semitone,
        the first of them C.
    qualities
        Number of chord qualities, without "no chord".
    width
        Channels of the first convolution.

    Returns
    -------
    keras.Model
        Logits of shape [12 * qualities + 1]: all qualities of C, then of C# and so on,
        last "no chord".
    """
    octaves = bands // (3 * SEMITONES)
    window = keras.Input((frames, bands), name="window")
    x = layers.Reshape((frames, bands, 1))(window)
    x = _convolve(x, width, (3, 5), strides=(2, 1))
    x = _convolve(x, width, (3, 7), strides=(1, 3))
    x = layers.AveragePooling2D((2, 1))(x)
    x = _convolve(x, 2 * width, (3, 5))
    # Three octaves of semitones reach the partials that tell a root from its fifth.
    x = layers.DepthwiseConv2D((1, 3 * SEMITONES + 1), padding="same", use_bias=False)(x)
    x = _convolve(x, 2 * width, (1, 1))
    x = layers.AveragePooling2D((x.shape[1], 1))(x)
    x = layers.Reshape((octaves, SEMITONES, 2 * width))(x)
    folded = layers.Concatenate()(
        [
            layers.Reshape((SEMITONES, 2 * width))(layers.AveragePooling2D((octaves, 1))(x)),
            layers.Reshape((SEMITONES, 2 * width))(layers.MaxPooling2D((octaves, 1))(x)),
        ]
    )
    folded = layers.Dropout(0.2)(folded)
    around = layers.Concatenate(axis=1)([folded, layers.Cropping1D((0, 1))(folded)])
    x = layers.Conv1D(4 * width, SEMITONES, activation="relu")(around)
    x = layers.Dropout(0.2)(x)
    by_root = layers.Flatten()(layers.Conv1D(qualities, 1, name=QUALITIES_LAYER)(x))
    overall = layers.Concatenate()(
        [layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)]
    )
    no_chord = layers.Dense(1)(overall)
    logits = layers.Concatenate(name="logits")([by_root, no_chord])
    return keras.Model(window, {"logits": logits}, name="chord_net")


def expect_less(network: keras.Model, nats: NDArray[np.float32]) -> None:
    """Lower the logits of some qualities of a :func:`chord_net`, on all roots alike.

    Parameters
    ----------
    network
        Is changed.
    nats
        By how much, shape [qualities].
    """
    layer = network.get_layer(QUALITIES_LAYER)
    layer.bias.assign(layer.bias - nats)


def listening_net(
    frames: int, bands: int, labels: int, companions: int, *, teacher_targets: int
) -> keras.Model:
    """Build a network for what a whole passage sounds like: genre, emotion.

    Five convolutions halve time and bands four times; what they find is summarised
    over time by its mean and its maximum, and one hidden layer feeds both the labels
    and, in training only, the targets of a teacher.

    Parameters
    ----------
    frames, bands
        Shape of a window, both divisible by 16.
    labels, companions
        Number of labels of the task and of the companion task; 0 for no companion.
    teacher_targets
        Length of the teacher's targets; 0 to learn from labels alone.

    Returns
    -------
    keras.Model
        Outputs ``logits`` and, where they are asked for, ``companion`` and ``teacher``.
    """
    window = keras.Input((frames, bands), name="window")
    x = layers.Reshape((frames, bands, 1))(window)
    x = layers.BatchNormalization()(x)
    for channels in (16, 32, 48, 64):
        x = layers.MaxPooling2D((2, 2))(_convolve(x, channels, (3, 3)))
    x = _convolve(x, 96, (3, 3))
    x = layers.Reshape((frames // 16, bands // 16 * 96))(x)
    x = layers.Conv1D(128, 1, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    x = layers.Dense(200, use_bias=False)(layers.Dropout(0.3)(x))
    x = layers.ReLU()(layers.BatchNormalization()(x))
    x = layers.Dropout(0.3)(x)
    outputs = {"logits": layers.Dense(labels, name="logits")(x)}
    if companions:
        outputs["companion"] = layers.Dense(companions, name="companion")(x)
    if teacher_targets:
        outputs["teacher"] = layers.Dense(teacher_targets, name="teacher")(x)
    return keras.Model(window, outputs, name="listening_net")


def embedding_net(
    units: int, labels: int, companions: int, *, hidden_units: int = 128, dropout: float = 0.5
) -> keras.Model:
    """Build a network with one hidden layer on the embedding of a pretrained one.

    Parameters
    ----------
    units
        Length of the embedding; a window has the shape [1, units].
    labels, companions
        Number of labels of the task and of the companion task; 0 for no companion.
    hidden_units
        Size of the hidden layer.
    dropout
        Share of features dropped before and after it.

    Returns
    -------
    keras.Model
        Outputs ``logits`` and, where it is asked for, ``companion``.
    """
    window = keras.Input((1, units), name="window")
    x = layers.BatchNormalization()(layers.Flatten()(window))
    x = layers.Dense(hidden_units, activation="relu")(layers.Dropout(dropout)(x))
    x = layers.Dropout(dropout)(x)
    outputs = {"logits": layers.Dense(labels, name="logits")(x)}
    if companions:
        outputs["companion"] = layers.Dense(companions, name="companion")(x)
    return keras.Model(window, outputs, name="embedding_net")


def linear_net(units: int, labels: int) -> keras.Model:
    """Build a linear layer on the embedding of a pretrained network.

    Parameters
    ----------
    units
        Length of the embedding; a window has the shape [1, units].
    labels
        Number of labels.
    """
    window = keras.Input((1, units), name="window")
    logits = layers.Dense(labels, name="logits")(layers.Flatten()(window))
    return keras.Model(window, {"logits": logits}, name="linear_net")


def statistics_net(features: int, labels: int) -> keras.Model:
    """Build a multi-layer perceptron for one row of hand-crafted features.

    Parameters
    ----------
    features
        Numbers in a row; a window has the shape [1, features].
    labels
        Number of labels.
    """
    window = keras.Input((1, features), name="window")
    x = layers.BatchNormalization()(layers.Flatten()(window))
    for units in (128, 64):
        x = layers.Dense(units, use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.Dropout(0.4)(x)
    logits = layers.Dense(labels, name="logits")(x)
    return keras.Model(window, {"logits": logits}, name="statistics_net")


def serving_network(trained: keras.Model) -> keras.Model:
    """Return the part of a trained network that answers: from a window to its logits."""
    return keras.Model(trained.input, trained.output["logits"], name=trained.name)


def _convolve(
    x: keras.KerasTensor,
    channels: int,
    kernel: tuple[int, int],
    strides: tuple[int, int] = (1, 1),
) -> keras.KerasTensor:
    x = layers.Conv2D(channels, kernel, strides=strides, padding="same", use_bias=False)(x)
    x = layers.BatchNormalization()(x)
    return layers.ReLU()(x)
