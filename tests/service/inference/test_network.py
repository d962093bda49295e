import gc
from pathlib import Path

import numpy as np
import pytest

from service.errors import BundleError
from service.inference import network as network_module
from service.inference.network import Network
from tests.networks import write_embedding


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "network.onnx"
    write_embedding(path, bands=3, gain=2.0)
    return path


@pytest.mark.parametrize("batch_windows", [1, 3, 7, 32])
def test_every_window_is_answered_in_its_place(
    file: Path, batch_windows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(network_module, "BATCH_WINDOWS", batch_windows)
    windows = np.random.default_rng(0).random((7, 5, 3), dtype=np.float32)

    answers = Network.open(file).run(windows)

    np.testing.assert_allclose(answers, 2 * windows.mean(axis=1, keepdims=True), rtol=1e-5)


def test_a_network_is_open_once_for_each_hash(file: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.onnx"
    copy.write_bytes(file.read_bytes())

    first = Network.open_once(file, "one hash")

    assert Network.open_once(copy, "one hash") is first
    assert Network.open_once(copy, "another hash") is not first


def test_a_network_that_nobody_uses_is_not_kept(file: Path) -> None:
    Network.open_once(file, "forgotten")
    gc.collect()
    file.write_bytes(b"not a network")
    with pytest.raises(BundleError):
        Network.open_once(file, "forgotten")


def test_what_cannot_be_read_is_named_without_its_folder(file: Path) -> None:
    file.write_bytes(b"not a network")

    with pytest.raises(BundleError) as caught:
        Network.open(file)

    assert str(caught.value).startswith(f"{file.parent.name}/{file.name} cannot be loaded")
    assert str(file) not in str(caught.value)
