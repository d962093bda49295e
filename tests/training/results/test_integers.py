from pathlib import Path

import keras
import numpy as np
import onnx
import pytest
from keras import layers
from numpy.typing import NDArray

from tests.training.listener.whole import levels, whole_listener
from training.errors import TrainingError
from training.networks.whole_numbers import SIGNED, UNSIGNED, WholeSteps
from training.results.conversion import convert, says_the_same
from training.results.integers import with_integers

Whole = NDArray[np.int64]


def counting_network() -> keras.Model:
    """Build a residual block in whole numbers, at whose end its counts come out as they are."""
    rng = np.random.default_rng(3)
    window = keras.Input((9, 6), name="window")
    heard = WholeSteps(0, 2_048, name="heard")(layers.Reshape((9, 6, 1))(window))
    stem = WholeSteps(*UNSIGNED, name="stem")(layers.Conv2D(16, 3, 2, "same")(heard))
    left = WholeSteps(*SIGNED, name="left")(layers.Conv2D(16, 3, 1, "same")(stem))
    both = WholeSteps(*UNSIGNED, name="both")(layers.Add()([stem, left]))
    down = WholeSteps(*UNSIGNED, name="down")(layers.Conv2D(16, 3, 2, "same")(both))
    network = keras.Model(window, layers.Reshape((3 * 2 * 16,))(down))
    factors = {"heard": 2_048, "stem": 2**-6, "left": 2**-9, "both": 0.5, "down": 2**-8}
    for layer in network.layers:
        if isinstance(layer, WholeSteps):
            (factor,) = layer.get_weights()
            own = rng.uniform(0.8, 1, factor.shape) if layer.name in ("left", "down") else 1
            layer.set_weights([(factors[layer.name] * own * factor).astype(np.float32)])
        elif layer.weights:
            layer.set_weights([rng.integers(-63, 64, w.shape) for w in layer.get_weights()])
    return network


def by_hand(network: keras.Model, windows: NDArray[np.float32]) -> Whole:
    """Return what the counting network says, in integers and without any library for networks."""
    first, beside, last = (one for one in network.layers if isinstance(one, layers.Conv2D))

    def count(name: str, sums: NDArray[np.generic]) -> Whole:
        steps = network.get_layer(name)
        (factor,) = steps.get_weights()
        counted = np.round(sums.astype(np.float32) * factor)
        whole: Whole = np.clip(counted, steps.lowest, steps.highest).astype(np.int64)
        return whole

    heard = count("heard", windows[..., np.newaxis])
    stem = count("stem", convolved(first, heard))
    left = count("left", convolved(beside, stem))
    both = count("both", stem + left)
    return count("down", convolved(last, both)).reshape(len(windows), -1)


def convolved(convolution: layers.Conv2D, heard: Whole) -> Whole:
    """Add up integers with Keras's way of padding: one more at the end where it is uneven."""
    kernel, bias = (weights.astype(np.int64) for weights in convolution.get_weights())
    size, stride = convolution.kernel_size[0], convolution.strides[0]
    lengths = [-(-n // stride) for n in heard.shape[1:3]]
    missing = [
        max((out - 1) * stride + size - n, 0)
        for out, n in zip(lengths, heard.shape[1:3], strict=True)
    ]
    around = [(0, 0), *((n // 2, n - n // 2) for n in missing), (0, 0)]
    seen = np.lib.stride_tricks.sliding_window_view(np.pad(heard, around), (size, size), (1, 2))
    sums: Whole = np.einsum("nhwcij,ijco->nhwo", seen[:, ::stride, ::stride], kernel) + bias
    return sums


def test_the_converted_network_adds_up_integers(tmp_path: Path) -> None:
    network, file = counting_network(), tmp_path / "network.onnx"
    windows = np.random.default_rng(0).random((5, 9, 6), np.float32)

    convert(network, file, windows, largest_difference=0)  # compares with Keras

    expected = by_hand(network, windows)
    np.testing.assert_array_equal(np.asarray(network(windows)), expected)
    assert len(np.unique(expected)) > 20
    kinds = [node.op_type for node in onnx.load(file).graph.node]
    assert kinds.count("QLinearConv") == 2
    assert kinds.count("Conv") == 1


def test_a_listener_in_whole_numbers_converts_faithfully(tmp_path: Path) -> None:
    whole, file = whole_listener(), tmp_path / "listener.onnx"
    windows = levels(3, seed=2)

    convert(whole, file, windows)

    kinds = [node.op_type for node in onnx.load(file).graph.node]
    convolutions = [one for one in whole.layers if isinstance(one, layers.Conv2D)]
    assert kinds.count("QLinearConv") == len(convolutions) - 2  # the first and the last are not
    again = tmp_path / "again.onnx"
    convert(whole, again, windows)
    assert again.read_bytes() == file.read_bytes()
    assert says_the_same(file, whole, levels(2, seed=5), 1e-4)


def test_a_layer_that_has_no_form_with_integers_is_named() -> None:
    window = keras.Input((4, 4), name="window")
    pooled = layers.AveragePooling1D(2, name="pooled")(WholeSteps(0, 255)(window))
    network = keras.Model(window, WholeSteps(0, 255)(pooled))

    with pytest.raises(TrainingError, match="pooled has no form with integers"):
        with_integers(network, lambda _: onnx.ModelProto())
