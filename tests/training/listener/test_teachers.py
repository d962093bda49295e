from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from training.errors import TrainingError
from training.listener.teachers import MN04_FILES, MN04_RATE_HZ, Mn04


def write_teacher(folder: Path) -> None:
    """Write a network that says the mean level of its input twice, and a bank of two bands."""
    log_mel = helper.make_tensor_value_info("log_mel", TensorProto.FLOAT, ["n", 1, 2, "frames"])
    outputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 2])
        for name in ("logits", "embedding")
    ]
    nodes = [
        helper.make_node("ReduceMean", ["log_mel"], ["means"], axes=[1, 3], keepdims=0),
        helper.make_node("Identity", ["means"], ["embedding"]),
        helper.make_node("Neg", ["means"], ["logits"]),
    ]
    graph = helper.make_graph(nodes, "teacher", [log_mel], outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, folder / MN04_FILES[0])
    bank = np.zeros((2, 513), np.float32)
    bank[0, :100] = 1
    bank[1, 100:] = 1
    np.savez(folder / MN04_FILES[1], bank=bank)


def test_a_teacher_hears_low_tones_in_low_bands(tmp_path: Path) -> None:
    write_teacher(tmp_path)
    t = np.arange(MN04_RATE_HZ) / MN04_RATE_HZ
    sounds = np.stack([np.sin(2 * np.pi * hz * t) for hz in (1_000, 8_000)]).astype(np.float32)

    said = Mn04(tmp_path).ask(sounds)

    low, high = said[:, :2]
    assert low[0] > low[1] + 1
    assert high[1] > high[0] + 1
    np.testing.assert_allclose(said[:, 2:], -said[:, :2], rtol=1e-6)


def test_its_front_end_is_that_of_the_original(tmp_path: Path) -> None:
    write_teacher(tmp_path)
    rng = np.random.default_rng(0)
    sound = rng.standard_normal(6_400).astype(np.float32)

    said = Mn04(tmp_path).ask(sound[np.newaxis])

    emphasised = np.pad(sound[1:] - 0.97 * sound[:-1], 512, mode="reflect")
    window = np.zeros(1_024)
    window[112:912] = np.hanning(800)
    frames = [emphasised[s : s + 1_024] for s in range(0, len(emphasised) - 1_023, 320)]
    power = np.abs(np.fft.rfft(np.stack(frames) * window)) ** 2
    bands = np.stack([power[:, :100].sum(axis=1), power[:, 100:].sum(axis=1)])
    levels = (np.log(bands + 1e-5) + 4.5) / 5
    np.testing.assert_allclose(said[0, :2], levels.mean(axis=1), rtol=1e-4)


def test_without_the_teacher_the_error_says_what_to_get(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"mn04\.onnx and mn04_filter_bank\.npz.*--teachers"):
        Mn04(tmp_path)
