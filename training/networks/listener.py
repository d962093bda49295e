"""The listener: a small residual network of our own for windows of three seconds.

It learned to hear what larger networks hear (see :mod:`training.listener`), and genre and
emotion stand on it. Plain 3x3 convolutions, because they use a processor well: at the same
price they hear more than depthwise ones, and they learn four times as fast. The bands
that are left after four halvings stay apart until one filter as wide as all of them
joins them, so a bass line is not a whistle; means and maxima over time feed a hidden
layer, the embedding, and all that the teachers say is a linear map of that.

What is shipped does the convolutions with whole numbers (:mod:`training.networks.whole_numbers`),
so that the service can do them with integers; :mod:`training.listener.rounding` finds them.
"""

from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from training.errors import TrainingError
from training.networks.musicnn import FRAMES, HIDDEN, SPEC, TAGS
from training.networks.whole_numbers import SIGNED, UNSIGNED, WholeSteps

KINDS = ("music", "speech", "noise")
"""What it tells apart beside all that it hears."""

LOUDNESS_LUFS = -18.0
"""What it hears everything at: near the median of the music clips."""

WEIGHTS_FILE = Path(__file__).with_name("listener_weights.npz")

HEARD = "heard"
"""Name of the layer that counts the levels of a window."""

PLACE = "place_"
"""What the names of the layers begin with that count, or will count, what is heard inside."""

LEVELS = 1_024
"""Of a window, from 0 on; the first convolution's sums of products stay below 2^24."""

HALVED = 1_000
"""Numbers in a weight from which on it is stored in half precision."""

_EMBEDDING = "listener_embedding"
# Of the normalisations' statistics, which must keep up with weights that still change.
_MOMENTUM = 0.97


@dataclass(frozen=True)
class Size:
    """How large a listener is; multiples of 16, with fewer filters TensorFlow's oneDNN may crash.

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


SAID = 384 + HIDDEN + TAGS
"""Of what it says that its teachers would say: mn04's embedding, MSD_musicnn's hidden layer, tags.

It follows from the embedding, but heads that are trained on a thousand clips find more in both.
"""

UNITS = Size().embedding + SAID + len(KINDS)
"""Length of what :func:`pretrained` says of a window."""


class Form(StrEnum):
    """What a listener is made of."""

    NORMALISED = "with normalisations, to be trained"
    FOLDED = "the normalisations folded into what is before them"
    WHOLE = "folded, with whole numbers between the convolutions"


def build(outputs: int, size: Size | None = None, *, form: Form = Form.NORMALISED) -> keras.Model:
    """Build a student, untrained.

    Parameters
    ----------
    outputs
        How many values it is to learn.
    size
        How large it is.
    form
        What it is made of.

    Returns
    -------
    keras.Model
        From windows [187, 96] with levels from 0 to 1 to [outputs].
    """
    size = size or Size()
    draw = _WholeLayers() if form is Form.WHOLE else _Layers(normalised=form is Form.NORMALISED)
    window = keras.Input((FRAMES, SPEC.bands), name="window")
    x = draw.listen(layers.Reshape((FRAMES, SPEC.bands, 1))(window))
    x = draw.rectify(draw.convolve(x, size.stem, 3, 2))
    for filters, stride in size.blocks:
        y = draw.rectify(draw.convolve(x, filters, 3, stride))
        y = draw.balance(draw.convolve(y, filters, 3, 1))
        if stride > 1 or x.shape[-1] != filters:
            x = draw.balance(draw.convolve(x, filters, 1, stride))
        x = draw.rectify(layers.Add()([x, y]))
    x = draw.convolve(x, size.joined, (1, x.shape[2]), 1, padding="valid")
    x = _relu(layers.Reshape((x.shape[1], size.joined))(x))
    x = layers.Concatenate()([layers.GlobalAveragePooling1D()(x), layers.GlobalMaxPooling1D()(x)])
    embedding = layers.Activation("relu", name=_EMBEDDING)(draw.connect(x, size.embedding))
    said = layers.Dense(outputs, kernel_initializer="zeros", name="said")(embedding)
    return keras.Model(window, said, name="listener")


def hearing(network: keras.Model) -> keras.Model:
    """Return the part of a student that hears: from windows to [embedding], not to be trained."""
    heard = keras.Model(network.input, network.get_layer(_EMBEDDING).output, name="hearing")
    heard.trainable = False
    return heard


def folded(network: keras.Model, size: Size | None = None) -> keras.Model:
    """Return a student that says the same, its normalisations folded into what is before them."""
    plain = build(network.output_shape[-1], size, form=Form.FOLDED)
    for layer in plain.layers:
        if not layer.weights:
            continue
        weights = network.get_layer(layer.name).get_weights()
        if layer.name != "said":
            norm = network.get_layer(_norm_of(layer.name))
            gamma, beta, mean, variance = norm.get_weights()
            gain = gamma / np.sqrt(variance + norm.epsilon)
            weights = [weights[0] * gain, beta - mean * gain]
        layer.set_weights(weights)
    return plain


def with_kinds(network: keras.Model) -> keras.Model:
    """Return a student that says its embedding, what it said, and the logits of ``KINDS``."""
    embedding = hearing(network).output
    kinds = layers.Dense(len(KINDS), name="kinds")(embedding)
    heard = layers.Concatenate()([embedding, network.output, kinds])
    return keras.Model(network.input, heard, name="listener")


def pretrained() -> keras.Model:
    """Return the shipped listener, not to be trained.

    Returns
    -------
    keras.Model
        From windows [187, 96] to [``UNITS``]: the embedding, then ``SAID`` values that its
        teachers would say, then the logits of ``KINDS``.

    Raises
    ------
    TrainingError
        Its weights are not there.
    """
    if not WEIGHTS_FILE.is_file():
        raise TrainingError(
            f"{WEIGHTS_FILE} is missing: the listener's weights come with the source code. Get "
            "them from there, or train a student anew: python -m training listen --help."
        )
    listener = with_kinds(build(SAID, form=Form.WHOLE))
    with np.load(WEIGHTS_FILE) as stored:
        listener.set_weights([stored[_stored(n)].astype(np.float32) for n in range(len(stored))])
    listener.trainable = False
    return listener


def keep(listener: keras.Model, file: Path = WEIGHTS_FILE) -> None:
    """Keep a listener of whole numbers, with kinds, for :func:`pretrained`."""
    stored = {_stored(n): _brief(weight) for n, weight in enumerate(listener.get_weights())}
    with file.open("wb") as opened:
        np.savez_compressed(opened, **stored)  # type: ignore[arg-type]  # numpy's stub


class _Layers:
    """Makes layers with weights, whose names tell the order in which they were made."""

    def __init__(self, *, normalised: bool) -> None:
        self._normalised = normalised
        self._number, self._places = count(), count()

    def convolve(
        self,
        x: keras.KerasTensor,
        filters: int,
        kernel: int | tuple[int, int],
        stride: int,
        padding: str = "same",
    ) -> keras.KerasTensor:
        name, bias = f"layer_{next(self._number)}", not self._normalised
        made = layers.Conv2D(filters, kernel, stride, padding, use_bias=bias, name=name)
        return self._normalise(made(x), name)

    def listen(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return a window as the first convolution takes it."""
        return x

    def rectify(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return what is heard, none of it negative."""
        return layers.Activation("relu", name=self._place())(x)

    def balance(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Return one side of a sum."""
        return layers.Activation("linear", name=self._place())(x)

    def connect(self, x: keras.KerasTensor, units: int) -> keras.KerasTensor:
        name, bias = f"layer_{next(self._number)}", not self._normalised
        return self._normalise(layers.Dense(units, use_bias=bias, name=name)(x), name)

    def _place(self) -> str:
        return f"{PLACE}{next(self._places)}"

    def _normalise(self, x: keras.KerasTensor, name: str) -> keras.KerasTensor:
        if not self._normalised:
            return x
        return layers.BatchNormalization(momentum=_MOMENTUM, name=_norm_of(name))(x)


class _WholeLayers(_Layers):
    """Makes layers between which there are whole numbers."""

    def __init__(self) -> None:
        super().__init__(normalised=False)

    def listen(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return WholeSteps(0, LEVELS, name=HEARD)(x)

    def rectify(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return WholeSteps(*UNSIGNED, name=self._place())(x)

    def balance(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return WholeSteps(*SIGNED, name=self._place())(x)


def _relu(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.Activation("relu")(x)


def _norm_of(name: str) -> str:
    return f"norm_{name}"


def _brief(weight: NDArray[np.float32]) -> NDArray[np.generic]:
    """Store whole numbers as such, other large matrices in half precision, the rest as it is."""
    whole = weight.astype(np.int8)
    if np.array_equal(whole, weight):
        return whole
    return weight.astype(np.float16) if weight.size >= HALVED else weight


def _stored(number: int) -> str:
    return f"weight_{number}"
