from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.audio import noise, tone
from tests.training.made import Named, write_wav
from tests.training.tiny import needs_musicnn
from training.data.cache import FeatureCache
from training.data.readers import AudioFile
from training.errors import TrainingError
from training.networks import musicnn, musicnn_weights
from training.networks.musicnn import FRAMES, SPEC
from training.networks.teacher import TARGETS, Teacher, stretches
from training.synthesis.sounds import render_golden_clip

Array = NDArray[np.float32]

RATE_HZ = SPEC.sample_rate_hz


class CountingNetwork:
    """Answers with the mean level of each window and counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def predict_on_batch(self, windows: Array) -> tuple[Array, Array]:
        self.asked += 1
        level = windows.mean(axis=(1, 2))[:, None]
        return np.repeat(level, 200, axis=1), np.repeat(-level, 50, axis=1)


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CountingNetwork:
    """A network in place of MSD_musicnn, whose package need not be there."""
    network = CountingNetwork()
    monkeypatch.setattr(musicnn_weights, "checkpoint_folder", lambda: tmp_path)
    monkeypatch.setattr(musicnn, "pruned", lambda _: network)
    return network


def write_tone(path: Path, duration_s: float = 1.0) -> AudioFile:
    return AudioFile(write_wav(path, tone(440, duration_s, rate_hz=RATE_HZ), RATE_HZ))


def test_without_its_package_the_teacher_fails_before_it_is_asked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(musicnn_weights, "find_spec", lambda _: None)
    with pytest.raises(TrainingError, match="pip install --no-deps musicnn"):
        Teacher(FeatureCache(tmp_path))


@pytest.mark.usefixtures("network")
@pytest.mark.parametrize(("duration_s", "stretches"), [(0.5, 1), (3.0, 1), (9.0, 3), (30.0, 10)])
def test_there_is_one_row_for_every_three_seconds(
    tmp_path: Path, duration_s: float, stretches: int
) -> None:
    clip = write_tone(tmp_path / "clip.wav", duration_s)
    (rows,) = Teacher(FeatureCache(tmp_path / "cache")).ask([clip])
    assert rows.shape == (stretches, TARGETS)
    assert rows.dtype == np.float32


def test_hidden_layer_and_tags_stand_side_by_side(tmp_path: Path, network: CountingNetwork) -> None:
    (rows,) = Teacher(FeatureCache(tmp_path / "cache")).ask([write_tone(tmp_path / "clip.wav")])

    assert network.asked == 1
    assert (rows[:, :200] > 0).all()
    np.testing.assert_array_equal(rows[:, 200:], -rows[:, :50])


def test_a_clip_is_listened_to_once(tmp_path: Path, network: CountingNetwork) -> None:
    cache = FeatureCache(tmp_path / "cache")
    clip = write_tone(tmp_path / "clip.wav")

    first = Teacher(cache).ask([clip])
    again = Teacher(cache).ask([clip, write_tone(tmp_path / "copy.wav")])

    assert network.asked == 1
    np.testing.assert_array_equal(again[0], first[0])
    np.testing.assert_array_equal(again[1], first[0])


def test_the_answer_is_the_same_before_and_after_it_was_cached(
    tmp_path: Path, network: CountingNetwork
) -> None:
    asked = Teacher(FeatureCache(tmp_path / "cache"))
    clip = write_tone(tmp_path / "clip.wav")

    np.testing.assert_array_equal(asked.ask([clip])[0], asked.ask([clip])[0])
    assert network.asked == 1


def test_what_is_no_audio_gets_no_row(tmp_path: Path, network: CountingNetwork) -> None:
    (rows,) = Teacher(FeatureCache(tmp_path)).ask([Named("grid")])
    assert rows.shape == (0, TARGETS)
    assert network.asked == 0


def test_a_broken_file_gets_no_row(tmp_path: Path, network: CountingNetwork) -> None:
    (tmp_path / "broken.wav").write_bytes(b"no sound at all")
    (rows,) = Teacher(FeatureCache(tmp_path)).ask([AudioFile(tmp_path / "broken.wav")])
    assert rows.shape == (0, TARGETS)
    assert network.asked == 0


@pytest.mark.parametrize(("n_frames", "count"), [(188, 1), (280, 1), (281, 2), (1_876, 10)])
def test_windows_are_spread_over_the_whole_clip(n_frames: int, count: int) -> None:
    grid = np.tile(np.arange(n_frames, dtype=np.float32)[:, None], (1, SPEC.bands))

    windows = stretches(grid)

    assert windows.shape == (count, FRAMES, SPEC.bands)
    np.testing.assert_array_equal(windows[0], grid[:FRAMES])
    if count > 1:
        np.testing.assert_array_equal(windows[-1], grid[-FRAMES:])
        apart = np.diff(windows[:, 0, 0])
        assert np.ptp(apart) <= 1
    assert (np.diff(windows[:, :, 0], axis=1) == 1).all()


def test_a_short_clip_is_one_window_that_repeats_it() -> None:
    grid = np.tile(np.arange(60, dtype=np.float32)[:, None], (1, SPEC.bands))

    windows = stretches(grid)

    assert windows.shape == (1, FRAMES, SPEC.bands)
    np.testing.assert_array_equal(windows[0, :, 0], np.arange(FRAMES) % 60)


@needs_musicnn
def test_the_real_teacher_tells_music_from_noise_and_does_not_mind_its_level(
    tmp_path: Path,
) -> None:
    asked = Teacher(FeatureCache(tmp_path / "cache"))
    clips = [
        render_golden_clip(3.0, RATE_HZ),
        0.5 * render_golden_clip(3.0, RATE_HZ),
        noise(3.0, rate_hz=RATE_HZ),
    ]
    files = [
        AudioFile(write_wav(tmp_path / f"{n}.wav", clip, RATE_HZ)) for n, clip in enumerate(clips)
    ]

    music, quieter_music, hiss = (rows[0] for rows in asked.ask(files))

    assert np.linalg.norm(music - quieter_music) < 0.1 * np.linalg.norm(music - hiss)
