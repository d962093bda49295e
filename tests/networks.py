"""Write tiny networks as ONNX files: they weigh the mean level of each band."""

from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 17
# Recent enough for the opset, old enough for every onnxruntime that the service accepts.
IR_VERSION = 8
# One band's level lies in 0…1: this much apart, a tone's label is answered with confidence.
LOGITS_PER_LEVEL = 10.0


def write_network(path: Path, *, frames: int | str, bands: int, labels: int) -> None:
    """Write a network that averages a window over time and scales each band to a logit."""
    weights = LOGITS_PER_LEVEL * np.eye(bands, labels, dtype=np.float32)
    write_linear(path, weights, frames=frames)


def write_linear(path: Path, weights: NDArray[np.float32], *, frames: int | str) -> None:
    """Write a network that averages a window over time and weighs the bands, with small biases."""
    bands, outputs = weights.shape
    bias = np.linspace(0, 0.1, outputs, dtype=np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["window"], ["levels"], axes=[1], keepdims=0),
            helper.make_node("MatMul", ["levels", "weights"], ["scaled"]),
            helper.make_node("Add", ["scaled", "bias"], ["logits"]),
        ],
        "tiny",
        [helper.make_tensor_value_info("window", TensorProto.FLOAT, ["n", frames, bands])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", outputs])],
        [numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")],
    )
    _save(graph, path)


def write_embedding(path: Path, *, bands: int, gain: float) -> None:
    """Write a network that averages a window over time and amplifies the levels."""
    graph = helper.make_graph(
        [
            helper.make_node("ReduceMean", ["window"], ["levels"], axes=[1], keepdims=1),
            helper.make_node("Mul", ["levels", "gain"], ["embedding"]),
        ],
        "tiny_embedding",
        [helper.make_tensor_value_info("window", TensorProto.FLOAT, ["n", "frames", bands])],
        [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["n", 1, bands])],
        [numpy_helper.from_array(np.float32(gain), "gain")],
    )
    _save(graph, path)


def _save(graph: onnx.GraphProto, path: Path) -> None:
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model)
    onnx.save(model, path)
