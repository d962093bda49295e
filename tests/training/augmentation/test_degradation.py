from pathlib import Path

import numpy as np
import pytest

from service.inference.features import compute_grid
from tests.audio import noise, tone
from tests.training.made import GUITAR_RATE_HZ, strum, write_wav
from training.augmentation.degradation import DegradedAudio, degrade
from training.data.filter_banks import make_bank
from training.data.readers import AudioFile
from training.errors import UnreadableClip
from training.recipes import CHORD

SPEC = CHORD.inputs.features
BANK = make_bank(SPEC)


@pytest.fixture
def audio(tmp_path: Path) -> AudioFile:
    return AudioFile(write_wav(tmp_path / "Am.wav", strum("Am"), GUITAR_RATE_HZ))


def test_a_copy_is_the_same_each_time(audio: AudioFile) -> None:
    first = DegradedAudio(audio, 0).grid(SPEC, BANK)
    np.testing.assert_array_equal(DegradedAudio(audio, 0).grid(SPEC, BANK), first)


def test_copies_differ_from_each_other_and_from_the_original(audio: AudioFile) -> None:
    grids = [audio.grid(SPEC, BANK), *(DegradedAudio(audio, n).grid(SPEC, BANK) for n in range(3))]

    for i, one in enumerate(grids):
        for other in grids[i + 1 :]:
            assert one.shape == other.shape
            assert np.abs(one - other).max() > 0.05


def test_a_copy_depends_on_the_content_and_not_on_the_path(
    audio: AudioFile, tmp_path: Path
) -> None:
    moved = AudioFile(tmp_path / "elsewhere.wav")
    moved.path.write_bytes(audio.path.read_bytes())

    np.testing.assert_array_equal(
        DegradedAudio(moved, 1).grid(SPEC, BANK), DegradedAudio(audio, 1).grid(SPEC, BANK)
    )
    assert DegradedAudio(moved, 1).content_key() == DegradedAudio(audio, 1).content_key()


def test_each_copy_has_a_key_of_its_own(audio: AudioFile) -> None:
    keys = {audio.content_key(), *(DegradedAudio(audio, n).content_key() for n in range(3))}
    assert len(keys) == 4


def test_the_name_tells_file_and_copy(audio: AudioFile) -> None:
    assert DegradedAudio(audio, 2).name == f"{audio.path} (degraded copy 2)"


def test_a_broken_original_is_an_unreadable_clip(tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"fLaC and nothing more")

    with pytest.raises(UnreadableClip, match="broken"):
        DegradedAudio(AudioFile(broken), 0).grid(SPEC, BANK)


@pytest.mark.parametrize("seed", range(10))
def test_degrading_keeps_length_and_type(seed: int) -> None:
    samples = noise(0.3, rate_hz=GUITAR_RATE_HZ)

    degraded = degrade(samples, GUITAR_RATE_HZ, np.random.default_rng(seed))

    assert degraded.shape == samples.shape
    assert degraded.dtype == np.float32
    assert np.isfinite(degraded).all()


@pytest.mark.parametrize("seed", range(10))
def test_silence_stays_silent(seed: int) -> None:
    silence = np.zeros(2_000, np.float32)

    degraded = degrade(silence, GUITAR_RATE_HZ, np.random.default_rng(seed))

    np.testing.assert_allclose(degraded, 0, atol=1e-6)


def test_the_level_of_the_original_does_not_matter() -> None:
    samples = tone(330, 0.5, rate_hz=GUITAR_RATE_HZ)
    for seed in range(5):
        loud = degrade(samples, GUITAR_RATE_HZ, np.random.default_rng(seed))
        quiet = degrade(np.float32(0.01) * samples, GUITAR_RATE_HZ, np.random.default_rng(seed))
        np.testing.assert_allclose(quiet, loud, atol=1e-4)


def test_most_copies_of_a_pure_tone_gain_overtones_or_noise() -> None:
    samples = tone(330, 0.5, rate_hz=GUITAR_RATE_HZ)
    clean = compute_grid(samples, SPEC, BANK).sum()
    richer = [
        compute_grid(
            degrade(samples, GUITAR_RATE_HZ, np.random.default_rng(seed)), SPEC, BANK
        ).sum()
        > 1.2 * clean
        for seed in range(20)
    ]
    assert sum(richer) > 10


def test_the_chord_is_still_there() -> None:
    """A chord's notes must outlast any amplifier, or the copy would be a wrong example."""
    samples = strum("Am", duration_s=1.0)
    for seed in range(10):
        grid = compute_grid(
            degrade(samples, GUITAR_RATE_HZ, np.random.default_rng(seed)), SPEC, BANK
        )
        semitones = grid[2:].mean(axis=0).reshape(-1, 3).max(axis=1)
        folded = semitones.reshape(-1, 12).mean(axis=0)
        # A, C and E against the mean of the other nine pitch classes.
        chord = np.isin(np.arange(12), [9, 0, 4])
        assert folded[chord].mean() > folded[~chord].mean()
