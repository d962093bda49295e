"""Convert a network that counts in whole steps to ONNX, with integers in the place of its numbers.

A converter would keep the whole numbers as floating-point ones. Here the convolutions between
them become ``QLinearConv``, which every runtime does with integers, so that its counts are those
of Keras whatever the processor; what comes after the last count is converted as other networks
are.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import onnx
from keras import layers
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.errors import TrainingError
from training.networks.whole_numbers import WholeSteps

COUNTS = "counts"


def counts_in_whole_steps(network: keras.Model) -> bool:
    """Return whether a network is to be converted by :func:`with_integers`."""
    return any(isinstance(layer, WholeSteps) for layer in network.layers)


def with_integers(
    network: keras.Model, convert_rest: Callable[[keras.Model], onnx.ModelProto]
) -> onnx.ModelProto:
    """Convert a network whose first layers count in whole steps.

    Parameters
    ----------
    network
        With one input, ``window``. The first count is of what comes in, and the convolution
        after it may have fractions; all others have whole numbers from -128 to 127 for weights.
    convert_rest
        Converts a network with one input, ``COUNTS``, with channels first.

    Raises
    ------
    TrainingError
        There is a layer between the counts that has no form with integers.
    """
    last = next(layer for layer in reversed(network.layers) if isinstance(layer, WholeSteps))
    trunk = _Trunk()
    for layer in network.layers[: network.layers.index(last) + 1]:
        trunk.add(layer)
    rest = convert_rest(keras.Model(last.output, network.output))
    first = helper.make_model(
        trunk.graph(network, last), opset_imports=rest.opset_import, ir_version=rest.ir_version
    )
    return onnx.compose.merge_models(first, rest, io_map=[(COUNTS, rest.graph.input[0].name)])


class _Trunk:
    """The nodes up to the last count, channels first."""

    def __init__(self) -> None:
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []
        self._names: dict[int, str] = {}
        # Of what is stored in bytes: the byte that stands for zero.
        self._zeros: dict[int, str] = {}
        # Layers that become a node only together with the count that follows.
        self._waiting: dict[int, layers.Layer] = {}

    def add(self, layer: layers.Layer) -> None:
        """Add a layer; those before it are there already."""
        if isinstance(layer, layers.InputLayer):
            self._names[id(layer.output)] = layer.name
        elif isinstance(layer, layers.Reshape):
            *sizes, channels = layer.target_shape
            shape = self._stored(np.array([-1, channels, *sizes], np.int64))
            self._name(layer, self._node("Reshape", [self._names[id(layer.input)], shape]))
        elif isinstance(layer, layers.Conv2D | layers.Add):
            self._waiting[id(layer.output)] = layer
        elif isinstance(layer, WholeSteps):
            self._count(layer)
        else:
            raise TrainingError(f"{layer.name} has no form with integers; it is not converted.")

    def graph(self, network: keras.Model, last: WholeSteps) -> onnx.GraphProto:
        """Return all nodes as a graph that ends with the last count, as floating-point numbers."""
        self._nodes.append(helper.make_node("Identity", [self._uncounted(last.output)], [COUNTS]))
        _, height, width, channels = last.output.shape
        given = (network.input.name, [None, *network.input.shape[1:]])
        ends = (COUNTS, [None, channels, height, width])
        inputs, outputs = (
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)]
            for name, shape in (given, ends)
        )
        return helper.make_graph(self._nodes, "whole_numbers", inputs, outputs, self._weights)

    def _count(self, layer: WholeSteps) -> None:
        before = self._waiting.get(id(layer.input))
        if before is None:
            self._name(layer, self._window_counted(layer))
            return
        zero = self._stored(np.uint8(-layer.lowest))
        if isinstance(before, layers.Add):
            total = self._node("Add", [self._uncounted(side) for side in before.input])
            counted = self._quantized(layer, total, zero)
        elif id(before.input) in self._zeros:
            counted = self._convolved(before, layer, zero)
        else:
            weights = [self._stored(weight) for weight in _channels_first(before)]
            heard = self._names[id(before.input)]
            said = self._node("Conv", [heard, *weights], **_geometry(before))
            counted = self._quantized(layer, said, zero)
        self._name(layer, counted)
        self._zeros[id(layer.output)] = zero

    def _window_counted(self, layer: WholeSteps) -> str:
        """Count levels, of which there are more than a byte holds, as floating-point numbers."""
        scaled = self._node("Mul", [self._names[id(layer.input)], self._stored(_factor(layer))])
        ends = [self._stored(np.float32(end)) for end in (layer.lowest, layer.highest)]
        return self._node("Clip", [self._node("Round", [scaled]), *ends])

    def _quantized(self, layer: WholeSteps, name: str, zero: str) -> str:
        # Exact, as the factor is a power of two.
        step = self._stored(1 / _factor(layer)[0])
        return self._node("QuantizeLinear", [name, step, zero])

    def _convolved(self, convolution: layers.Conv2D, count: WholeSteps, zero: str) -> str:
        kernel, bias = _channels_first(convolution)
        one, nothing = self._stored(np.float32(1)), np.zeros(len(kernel), np.int8)
        heard = [self._names[id(convolution.input)], one, self._zeros[id(convolution.input)]]
        weights = [self._stored(w) for w in (kernel.astype(np.int8), _factor(count), nothing)]
        inputs = [*heard, *weights, one, zero, self._stored(bias.astype(np.int32))]
        return self._node("QLinearConv", inputs, **_geometry(convolution))

    def _uncounted(self, counted: keras.KerasTensor) -> str:
        name, zero = self._names[id(counted)], self._zeros[id(counted)]
        return self._node("DequantizeLinear", [name, self._stored(np.float32(1)), zero])

    def _name(self, layer: layers.Layer, name: str) -> None:
        self._names[id(layer.output)] = name

    def _node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Append a node; return the name of what it gives."""
        name = f"whole_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [name], **attributes))
        return name

    def _stored(self, numbers: NDArray[Any] | np.generic) -> str:
        """Store numbers; return their name."""
        name = f"number_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(numbers), name))
        return name


def _factor(layer: WholeSteps) -> NDArray[np.float32]:
    """Return what a layer multiplies each channel by."""
    (factor,) = layer.get_weights()
    return np.asarray(factor, np.float32)


def _channels_first(convolution: layers.Conv2D) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    kernel, bias = convolution.get_weights()
    return kernel.transpose(3, 2, 0, 1), bias


def _geometry(convolution: layers.Conv2D) -> dict[str, Any]:
    return {
        "auto_pad": {"same": "SAME_UPPER", "valid": "VALID"}[convolution.padding],
        "kernel_shape": list(convolution.kernel_size),
        "strides": list(convolution.strides),
    }
