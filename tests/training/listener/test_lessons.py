from pathlib import Path
from typing import cast

import numpy as np
import pytest

from training.errors import TrainingError
from training.listener import lessons
from training.listener.lessons import (
    LEVELS,
    TARGETS,
    WINDOW_SAMPLES,
    WINDOWS_EACH,
    Classroom,
    columns,
    load,
    prepare,
)
from training.listener.mixing import PIECE_SAMPLES, Mixer, Piece
from training.listener.recordings import RATE_HZ
from training.listener.teachers import Mn04, Musicnn
from training.networks import musicnn


class FakeMn04:
    """Says how loud the first and last quarter of a sound are."""

    def ask(self, sounds: np.ndarray) -> np.ndarray:
        assert sounds.shape[1] == WINDOW_SAMPLES
        quarter = WINDOW_SAMPLES // 4
        said = np.zeros((len(sounds), TARGETS["mn04_embedding"] + TARGETS["mn04_classes"]))
        said[:, 0] = np.abs(sounds[:, :quarter]).mean(axis=1)
        said[:, 1] = np.abs(sounds[:, -quarter:]).mean(axis=1)
        return said


class FakeMusicnn:
    """Says what level the first and last quarter of a window have."""

    def ask(self, windows: np.ndarray) -> np.ndarray:
        said = np.zeros((len(windows), musicnn.UNITS))
        quarter = windows.shape[1] // 4
        said[:, 0] = windows[:, :quarter].mean(axis=(1, 2))
        said[:, 1] = windows[:, -quarter:].mean(axis=(1, 2))
        return said


class FakeMixer:
    """Draws pieces of noise that grows louder."""

    def __init__(self) -> None:
        self.n_drawn = 0

    def draw(self, rng: np.random.Generator) -> Piece:
        self.n_drawn += 1
        swell = np.linspace(0.01, 0.5, PIECE_SAMPLES)
        samples = (swell * rng.standard_normal(PIECE_SAMPLES)).astype(np.float32)
        return Piece(samples, np.array([1, 0, 0], np.float32))


def classroom() -> Classroom:
    return Classroom(cast(Mn04, FakeMn04()), cast(Musicnn, FakeMusicnn()))


def test_student_and_teachers_hear_the_same_stretches() -> None:
    piece = FakeMixer().draw(np.random.default_rng(0))

    taught = classroom().teach(piece)

    assert taught.windows.shape == (WINDOWS_EACH, musicnn.FRAMES, musicnn.SPEC.bands)
    assert taught.windows.max() <= LEVELS
    sound = taught.targets[:, columns("mn04_embedding")][:, :2]
    level = taught.targets[:, columns("musicnn_hidden")][:, :2]
    for said in (sound, level):
        assert np.all(np.diff(said, axis=0) > 0)  # later windows are louder
        assert np.all(said[:, 1] > said[:, 0])
    # The windows are spread over the piece from its beginning to its end.
    swell = np.linspace(0.01, 0.5, PIECE_SAMPLES) * np.sqrt(2 / np.pi)
    assert sound[0, 0] == pytest.approx(swell[: WINDOW_SAMPLES // 4].mean(), rel=0.05)
    assert sound[-1, 1] == pytest.approx(swell[-WINDOW_SAMPLES // 4 :].mean(), rel=0.05)


def test_parts_that_are_there_are_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lessons, "PIECES_EACH", 2)
    mixer = FakeMixer()
    prepare(classroom(), cast(Mixer, mixer), tmp_path, range(2), seed=1)
    before = load(tmp_path)

    prepare(classroom(), cast(Mixer, mixer), tmp_path, range(3), seed=1)

    after = load(tmp_path)
    assert mixer.n_drawn == 6
    assert len(after.windows) == 3 * 2 * WINDOWS_EACH
    np.testing.assert_array_equal(after.targets[: len(before.targets)], before.targets)


def test_every_part_has_pieces_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lessons, "PIECES_EACH", 1)
    prepare(classroom(), cast(Mixer, FakeMixer()), tmp_path, range(2), seed=1)

    windows = load(tmp_path).windows

    assert np.any(windows[:WINDOWS_EACH] != windows[WINDOWS_EACH:])


def test_an_empty_folder_says_what_to_do_first(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="prepare"):
        load(tmp_path)


def test_a_window_is_as_long_for_every_teacher() -> None:
    duration_s = musicnn.FRAMES * musicnn.SPEC.hop_samples / musicnn.SPEC.sample_rate_hz

    assert duration_s * RATE_HZ == WINDOW_SAMPLES
