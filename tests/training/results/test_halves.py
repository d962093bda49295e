from pathlib import Path

import keras
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.results.halves import halve_exact_weights, round_to_halves


def write(file: Path, weight: NDArray[np.float32]) -> None:
    """Write a network that multiplies with a matrix."""
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "weight"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", weight.shape[0]])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", weight.shape[1]])],
        [numpy_helper.from_array(weight, "weight")],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), file
    )


def run(file: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    answers: NDArray[np.float32] = session.run(None, {"x": x})[0]
    return answers


@pytest.fixture
def weight() -> NDArray[np.float32]:
    return np.random.default_rng(0).standard_normal((80, 40)).astype(np.float32)


def test_weights_that_are_whole_in_half_precision_take_half_the_space(
    tmp_path: Path, weight: NDArray[np.float32]
) -> None:
    file, exact = tmp_path / "network.onnx", weight.astype(np.float16).astype(np.float32)
    write(file, exact)
    size, x = file.stat().st_size, np.ones((2, 80), np.float32)
    before = run(file, x)

    halve_exact_weights(file)

    assert file.stat().st_size < 0.55 * size
    np.testing.assert_array_equal(run(file, x), before)


def test_other_weights_stay_as_they_are(tmp_path: Path, weight: NDArray[np.float32]) -> None:
    file = tmp_path / "network.onnx"
    write(file, weight)
    before = file.read_bytes()

    halve_exact_weights(file)

    assert file.read_bytes() == before


def test_only_large_matrices_are_rounded() -> None:
    network = keras.Sequential([keras.Input((80,)), keras.layers.Dense(40), keras.layers.Dense(2)])
    large, bias, small, _ = before = network.get_weights()
    network.set_weights([large, bias + 1 / 3, small, before[3]])

    round_to_halves(network)

    after = network.get_weights()
    np.testing.assert_array_equal(after[0], large.astype(np.float16).astype(np.float32))
    assert np.any(after[0] != large)
    np.testing.assert_array_equal(after[1], bias + np.float32(1 / 3))
    np.testing.assert_array_equal(after[2], small)
