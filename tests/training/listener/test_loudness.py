import numpy as np
import pytest
from numpy.typing import NDArray

from training.listener import loudness
from training.listener.loudness import brought_to

RATE_HZ = 32_000


def sine(frequency_hz: float, duration_s: float, amplitude: float = 1.0) -> NDArray[np.float32]:
    t = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    return (amplitude * np.sin(2 * np.pi * frequency_hz * t)).astype(np.float32)


def loudness_lufs(samples: NDArray[np.float32]) -> float:
    """Return the loudness of what is not silent."""
    found = loudness.loudness_lufs(samples, RATE_HZ)
    assert found is not None
    return found


def test_the_standards_reference_tone_has_its_loudness() -> None:
    assert loudness_lufs(sine(997, 5)) == pytest.approx(-3.01, abs=0.05)


def test_bass_is_less_loud_than_its_level_and_treble_louder() -> None:
    middle = loudness_lufs(sine(997, 5))

    assert loudness_lufs(sine(40, 5)) < middle - 5
    assert loudness_lufs(sine(8_000, 5)) == pytest.approx(middle + 3.3, abs=0.2)


def test_silence_between_sounds_does_not_count() -> None:
    tone = sine(997, 5)
    interrupted = np.concatenate([tone, np.zeros_like(tone), tone])

    assert loudness_lufs(interrupted) == pytest.approx(loudness_lufs(tone), abs=0.3)


def test_what_is_brought_to_a_loudness_has_it() -> None:
    quiet = sine(440, 3, amplitude=0.003)

    assert loudness_lufs(brought_to(quiet, RATE_HZ, -18)) == pytest.approx(-18, abs=0.01)


def test_silence_stays_silence() -> None:
    silence = np.zeros(RATE_HZ, np.float32)

    assert loudness.loudness_lufs(silence, RATE_HZ) is None
    np.testing.assert_array_equal(brought_to(silence, RATE_HZ, -18), silence)


def test_what_is_shorter_than_a_block_has_a_loudness_too() -> None:
    assert np.isfinite(loudness_lufs(sine(997, 0.1)))
