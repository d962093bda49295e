import importlib.metadata
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from google.protobuf import text_format
from onnx import TensorProto, helper

from service.inference.bundle import Bundle
from service.inference.bundle_files import MODEL_FILE
from service.inference.windows import cut_windows
from tests.bundles import GENRES, write_bundle
from tests.goldens import load_golden
from tests.server import ROOT
from training.cli import main
from training.errors import TrainingError
from training.results.triton import CONFIG_FILE, VERSION, config, write_repository


def parsed(text: str) -> Any:
    """Parse a configuration by the message of Triton's own client.

    Its module is loaded by itself: the package around it needs grpc, and an older protobuf.
    """
    try:
        package = importlib.metadata.distribution("tritonclient")
    except importlib.metadata.PackageNotFoundError:
        pytest.skip("tritonclient is not installed: pip install --no-deps tritonclient==2.73.0")
    file = str(package.locate_file("tritonclient/grpc/model_config_pb2.py"))
    spec = importlib.util.spec_from_file_location("model_config_pb2", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return text_format.Parse(text, module.ModelConfig())


@pytest.fixture
def bundle_folder(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "models" / "genre", embedding_gain=2.0)


def test_a_damaged_bundle_is_refused_in_words(bundle_folder: Path, tmp_path: Path) -> None:
    (bundle_folder / MODEL_FILE).write_bytes(b"not a network")
    with pytest.raises(TrainingError, match=r"cannot be used.*model\.onnx is damaged"):
        write_repository(bundle_folder, tmp_path / "triton")


def test_each_network_becomes_a_model_that_tritons_own_message_reads(
    bundle_folder: Path, tmp_path: Path
) -> None:
    folders = write_repository(bundle_folder, tmp_path / "triton")

    assert [folder.name for folder in folders] == ["genre_embedding", "genre"]
    embedding, network = (parsed((folder / CONFIG_FILE).read_text()) for folder in folders)
    assert embedding.name == "genre_embedding"
    assert network.backend == "onnxruntime"
    assert network.max_batch_size > 1
    assert [(tensor.name, list(tensor.dims)) for tensor in embedding.input] == [
        ("window", [-1, len(GENRES)])
    ]
    assert [(tensor.name, list(tensor.dims)) for tensor in network.output] == [
        ("logits", [len(GENRES)])
    ]


def test_the_networks_of_the_repository_answer_as_the_bundle_does(
    bundle_folder: Path, tmp_path: Path
) -> None:
    bundle, golden = Bundle.load(bundle_folder), load_golden(bundle_folder)
    heard = cut_windows(golden["features"], bundle.card.windows)
    for folder in write_repository(bundle_folder, tmp_path):
        session = onnxruntime.InferenceSession(folder / VERSION / "model.onnx")
        heard = session.run(None, {session.get_inputs()[0].name: heard})[0]
    np.testing.assert_allclose(heard, golden["logits"], atol=1e-5)
    assert {file.name for file in (tmp_path / "genre" / "contract").iterdir()} == {
        "card.json",
        "filter_bank.npy",
        "golden.npz",
    }


def test_the_command_writes_all_shipped_bundles(tmp_path: Path) -> None:
    out = tmp_path / "triton"
    assert main(["export", "--models", str(ROOT / "models"), "--triton", str(out)]) == 0
    assert {folder.name for folder in out.iterdir()} == {
        *("chord", "genre", "genre_embedding"),
        *("emotion", "emotion_context", "emotion_embedding", "emotion_ratings"),
    }
    for folder in out.iterdir():
        told = parsed((folder / CONFIG_FILE).read_text())
        session = onnxruntime.InferenceSession(folder / VERSION / "model.onnx")
        assert told.name == folder.name
        assert [tensor.name for tensor in told.input] == [i.name for i in session.get_inputs()]
        assert [tensor.name for tensor in told.output] == [o.name for o in session.get_outputs()]
        for tensor, real in zip(told.input, session.get_inputs(), strict=True):
            sizes = [size if isinstance(size, int) else -1 for size in real.shape]
            assert list(tensor.dims) == sizes[1:]


def test_without_a_recipe_and_a_folder_the_command_says_what_to_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["export"]) != 0
    assert "--triton" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "shape", "fault"),
    [(TensorProto.STRING, ["n", 3], "type"), (TensorProto.FLOAT, [4, 3], "batch")],
)
def test_a_network_that_triton_could_not_run_is_refused(
    tmp_path: Path, kind: int, shape: list[int | str], fault: str
) -> None:
    tensors = [helper.make_tensor_value_info(name, kind, shape) for name in ("a", "b")]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["a"], ["b"])], "g", *[[t] for t in tensors]
    )
    onnx.save(helper.make_model(graph), tmp_path / "model.onnx")
    with pytest.raises(TrainingError, match=fault):
        config("made_up", tmp_path / "model.onnx")
