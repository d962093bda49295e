"""The networks that are compared, from a window's shape to a functional Keras model.

They are the usual ones of the field, kept small so that each trains within minutes: what
differs in their figures should be the idea, not the size. As all networks here they take
windows of shape [frames, bands] and return logits of shape [labels].
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray
from scipy.fft import dct

HIDDEN = 64
DROPOUT = 0.3  # share of features dropped before a dense layer


def cnn(frames: int, bands: int, labels: int, *, coefficients: int = 0) -> keras.Model:
    """Build three convolutions, the mean and the maximum over time, and a hidden layer.

    Parameters
    ----------
    frames, bands
        Shape of a window, both at least 8.
    labels
        Number of labels.
    coefficients
        MFCCs that a fixed first layer makes of the bands; 0 to look at the bands themselves.
    """
    window = keras.Input((frames, bands), name="window")
    x = _along_time(_convolutions(_front(window, coefficients), (16, 32, 64)))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    return _answer(window, layers.Dropout(DROPOUT)(x), labels, "cnn")


def lstm(frames: int, bands: int, labels: int, *, coefficients: int = 0) -> keras.Model:
    """Build two recurrent layers over the frames and a hidden layer.

    Parameters
    ----------
    frames, bands, labels, coefficients
        As for :func:`cnn`.
    """
    window = keras.Input((frames, bands), name="window")
    x = layers.LSTM(HIDDEN, return_sequences=True)(_front(window, coefficients))
    return _answer(window, layers.LSTM(HIDDEN)(x), labels, "lstm")


def cnn_lstm(frames: int, bands: int, labels: int, *, coefficients: int = 0) -> keras.Model:
    """Build two convolutions, a recurrent layer over what they find, and a hidden layer.

    Parameters
    ----------
    frames, bands, labels, coefficients
        As for :func:`cnn`.
    """
    window = keras.Input((frames, bands), name="window")
    x = _along_time(_convolutions(_front(window, coefficients), (16, 32)))
    x = layers.LSTM(HIDDEN)(layers.Dropout(DROPOUT)(x))
    return _answer(window, x, labels, "cnn_lstm")


def cosine_transform(bands: int, coefficients: int) -> NDArray[np.float32]:
    """Return the matrix that turns log-mel bands into MFCCs, shape [bands, coefficients]."""
    return np.asarray(dct(np.eye(bands), norm="ortho")[:, :coefficients], dtype=np.float32)


def _front(window: keras.KerasTensor, coefficients: int) -> keras.KerasTensor:
    """Bring each band, or each of the MFCCs made of them, to one scale."""
    x = window
    if coefficients:
        x = layers.Dense(
            coefficients,
            use_bias=False,
            trainable=False,
            kernel_initializer=_fixed(cosine_transform(window.shape[2], coefficients)),
            name="mfcc",
        )(x)
    return layers.BatchNormalization()(x)


def _fixed(matrix: NDArray[np.float32]) -> Callable[..., NDArray[np.float32]]:
    def initialise(shape: tuple[int, ...], dtype: Any = None) -> NDArray[np.float32]:  # noqa: ARG001
        return matrix

    return initialise


def _convolutions(x: keras.KerasTensor, channels: tuple[int, ...]) -> keras.KerasTensor:
    """Halve time and bands with each convolution.

    The first does so by its stride: on a whole window most of the time would go into the
    three quarters of its output that a pool then drops.
    """
    x = layers.Reshape((*x.shape[1:], 1))(x)
    for place, n in enumerate(channels):
        stride = 2 if place == 0 else 1
        x = layers.Conv2D(n, 3, strides=stride, padding="same", use_bias=False)(x)
        x = layers.ReLU()(layers.BatchNormalization()(x))
        if stride == 1:
            x = layers.MaxPooling2D(2)(x)
    return x


def _along_time(x: keras.KerasTensor) -> keras.KerasTensor:
    """Join bands and channels, shape [frames, bands * channels]."""
    _, frames, bands, channels = x.shape
    return layers.Reshape((frames, bands * channels))(x)


def _answer(window: keras.KerasTensor, x: keras.KerasTensor, labels: int, name: str) -> keras.Model:
    x = layers.Dense(HIDDEN, use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    logits = layers.Dense(labels, name="logits")(layers.Dropout(DROPOUT)(x))
    return keras.Model(window, {"logits": logits}, name=name)
