from pathlib import Path

import numpy as np
import pytest

from tests.audio import tone
from training.comparison import taught
from training.comparison.taught import BOTH, MN04, Asked
from training.data.filter_banks import make_bank
from training.errors import TrainingError
from training.listener.lessons import WINDOW_SAMPLES
from training.networks import musicnn

NO_BANK = make_bank(MN04)


class FakeMn04:
    """Says how loud each sound is, and how loud its first half."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def ask(self, sounds: np.ndarray) -> np.ndarray:
        assert sounds.shape[1] == WINDOW_SAMPLES
        said = np.zeros((len(sounds), MN04.bands), np.float32)
        said[:, 0] = (sounds**2).mean(axis=1)
        said[:, 1] = (sounds[:, : WINDOW_SAMPLES // 2] ** 2).mean(axis=1)
        return said


class FakeMusicnn(FakeMn04):
    """Says which band of each window is the loudest."""

    def ask(self, windows: np.ndarray) -> np.ndarray:
        assert windows.shape[1:] == (musicnn.FRAMES, musicnn.SPEC.bands)
        said = np.zeros((len(windows), musicnn.UNITS), np.float32)
        said[:, 0] = windows.mean(axis=1).argmax(axis=1)
        return said


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Asked:
    monkeypatch.setattr(taught, "Mn04", FakeMn04)
    monkeypatch.setattr(taught, "Musicnn", FakeMusicnn)
    for opened in (taught._mn04, taught._musicnn):
        opened.cache_clear()
    return Asked(tmp_path / "teachers", tmp_path / "kept")


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(round(seconds * MN04.sample_rate_hz)) * level
    return samples.astype(np.float32)


def test_each_window_is_a_row_of_what_the_teachers_say(asked: Asked) -> None:
    low = tone(300, 3.0, rate_hz=MN04.sample_rate_hz)
    high = tone(3_000, 3.1, rate_hz=MN04.sample_rate_hz)

    said = asked(np.concatenate([low, high]), BOTH, NO_BANK)

    assert said.shape == (2, BOTH.bands)
    bands = said[:, MN04.bands]
    assert bands[0] < bands[1] - 10


def test_mn04_alone_is_asked_for_its_own_values(asked: Asked) -> None:
    assert asked(noise(6.1), MN04, NO_BANK).shape == (2, MN04.bands)


def test_how_loud_it_was_recorded_makes_no_difference(asked: Asked) -> None:
    loud, soft = (asked(noise(4, level), MN04, NO_BANK) for level in (0.2, 0.002))
    np.testing.assert_allclose(loud, soft, rtol=1e-3)


@pytest.mark.parametrize("seconds", [0.1, 1.0, 3.0])
def test_what_is_too_short_is_repeated(asked: Asked, seconds: float) -> None:
    (said,) = asked(noise(seconds), BOTH, NO_BANK)
    assert said[1] == pytest.approx(said[0], rel=0.05)


def test_silence_is_asked_about_too(asked: Asked) -> None:
    said = asked(np.zeros(MN04.sample_rate_hz, np.float32), BOTH, NO_BANK)
    assert said.shape == (1, BOTH.bands)
    assert not said[0, :2].any()


def test_a_missing_teacher_is_told_with_what_to_get(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"mn04\.onnx"):
        Asked(tmp_path, tmp_path).check(MN04)
