from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from training.results.canonical import make_canonical

GAIN = np.array([1.0, 2.0, 3.0], np.float32)


def write(
    file: Path,
    *,
    prefix: str = "",
    turned: bool = False,
    gain: NDArray[np.float32] = GAIN,
) -> Path:
    """Write ``max(gain * x, 0) + (gain * x) ** 2``, under other names or in another order."""
    nodes = [
        helper.make_node("Mul", ["x", f"{prefix}gain"], [f"{prefix}scaled"], name=f"{prefix}mul"),
        helper.make_node("Relu", [f"{prefix}scaled"], [f"{prefix}positive"]),
        helper.make_node("Pow", [f"{prefix}scaled", f"{prefix}two"], [f"{prefix}squared"]),
        helper.make_node("Add", [f"{prefix}positive", f"{prefix}squared"], [f"{prefix}y"]),
    ]
    weights = [
        numpy_helper.from_array(gain, f"{prefix}gain"),
        numpy_helper.from_array(np.float32(2), f"{prefix}two"),
    ]
    if turned:
        nodes[1], nodes[2] = nodes[2], nodes[1]
        weights.reverse()
    graph = helper.make_graph(
        nodes,
        f"{prefix}graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [f"{prefix}n", 3])],
        [helper.make_tensor_value_info(f"{prefix}y", TensorProto.FLOAT, [f"{prefix}n", 3])],
        weights,
        doc_string=prefix,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, doc_string=prefix
    )
    onnx.save(model, file)
    return file


def canonical(file: Path) -> bytes:
    make_canonical(file)
    return file.read_bytes()


@pytest.fixture
def usual(tmp_path: Path) -> bytes:
    return canonical(write(tmp_path / "usual.onnx"))


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("prefix", ["", "layer_7/"])
def test_names_and_order_make_no_difference(
    usual: bytes, tmp_path: Path, prefix: str, *, turned: bool
) -> None:
    file = write(tmp_path / "other.onnx", prefix=prefix, turned=turned)

    assert canonical(file) == usual


def test_another_weight_makes_a_difference(usual: bytes, tmp_path: Path) -> None:
    assert canonical(write(tmp_path / "other.onnx", gain=GAIN * np.float32(1.001))) != usual


def test_a_canonical_file_stays_as_it_is(usual: bytes, tmp_path: Path) -> None:
    (tmp_path / "again.onnx").write_bytes(usual)
    assert canonical(tmp_path / "again.onnx") == usual


def test_the_network_answers_as_before_under_the_same_input(tmp_path: Path) -> None:
    file = write(tmp_path / "network.onnx", prefix="layer_7/", turned=True)
    make_canonical(file)

    onnx.checker.check_model(onnx.load(file), full_check=True)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    x = np.array([[1, -1, 0.5], [0, 2, -3]], np.float32)
    scaled = GAIN * x
    expected = np.maximum(scaled, 0) + scaled**2
    np.testing.assert_allclose(session.run(None, {"x": x})[0], expected, rtol=1e-6)


def test_a_network_with_others_inside_is_left_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "network.onnx"
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])
    same, doubled = (
        helper.make_graph([helper.make_node("Mul", ["x", factor], ["y"])], factor, [], [y])
        for factor in ("one", "two")
    )
    graph = helper.make_graph(
        [helper.make_node("If", ["twice"], ["z"], then_branch=doubled, else_branch=same)],
        "branches",
        [
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info("twice", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [3])],
        [numpy_helper.from_array(np.float32(n), name) for n, name in ((1, "one"), (2, "two"))],
    )
    onnx.save(helper.make_model(graph), file)
    before = file.read_bytes()

    assert canonical(file) == before
