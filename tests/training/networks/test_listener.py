from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.networks import listener
from training.networks.musicnn import FRAMES, SPEC
from training.results.conversion import convert

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


def test_folded_it_says_the_same_with_fewer_weights() -> None:
    rng = np.random.default_rng(0)
    student = listener.build(5, TINY)
    student.set_weights([rng.uniform(0.2, 1, w.shape) * 0.3 for w in student.get_weights()])
    windows = rng.random((3, FRAMES, SPEC.bands), np.float32)

    plain = listener.folded(student, TINY)

    assert plain.count_params() < student.count_params()
    said = np.asarray(student(windows, training=False))
    np.testing.assert_allclose(np.asarray(plain(windows)), said, rtol=1e-3, atol=1e-4)


def test_what_was_kept_is_what_recipes_stand_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "weights.npz"
    monkeypatch.setattr(listener, "WEIGHTS_FILE", file)
    student = listener.with_kinds(listener.build(listener.SAID, form=listener.Form.WHOLE))
    windows = np.random.default_rng(0).random((2, FRAMES, SPEC.bands), np.float32)

    listener.keep(student, file)
    found = listener.pretrained()

    assert found.output_shape == (None, listener.UNITS)
    assert not found.trainable_weights
    np.testing.assert_allclose(np.asarray(found(windows)), np.asarray(student(windows)), atol=1e-2)


def test_without_its_weights_the_error_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "WEIGHTS_FILE", tmp_path / "gone.npz")

    with pytest.raises(TrainingError, match="training listen"):
        listener.pretrained()
