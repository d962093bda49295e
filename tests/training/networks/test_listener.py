from pathlib import Path

import numpy as np

from training.networks import listener
from training.networks.musicnn import FRAMES, SPEC
from training.results.export import convert

TINY = listener.Size(stem=16, blocks=((16, 2), (16, 2), (16, 1)), joined=16, embedding=16)


def test_it_turns_windows_into_what_it_says_and_an_embedding() -> None:
    student = listener.build(5, TINY)

    assert student.output_shape == (None, 5)
    assert listener.hearing(student).output_shape == (None, 16)
    assert not listener.hearing(student).trainable_weights


def test_low_sounds_are_not_high_sounds() -> None:
    hearing = listener.hearing(listener.build(5, TINY))
    windows = np.zeros((2, FRAMES, SPEC.bands), np.float32)
    windows[0, :, :48] = 1
    windows[1, :, 48:] = 1

    low, high = np.asarray(hearing(windows))

    assert np.abs(low - high).max() > 1e-3


def test_onnxruntime_hears_the_same(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    windows = rng.random((3, FRAMES, SPEC.bands), np.float32)

    convert(listener.hearing(listener.build(5, TINY)), tmp_path / "listener.onnx", windows)

    assert (tmp_path / "listener.onnx").stat().st_size > 0
