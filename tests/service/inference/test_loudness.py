import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy.signal import lfilter

from service.inference.bands import hann
from service.inference.loudness import (
    ABSOLUTE_GATE_LUFS,
    frame_weights,
    gated_loudness_lufs,
    k_weights,
)
from tests.audio import noise, tone

RATE_HZ = 48_000
FFT_SAMPLES = 2_048
HOP_SAMPLES = 480
HOP_S = HOP_SAMPLES / RATE_HZ
FULL_SCALE_SINE_LUFS = -3.01


def filtered_loudness_lufs(samples: NDArray[np.float32]) -> float:
    """Measure as the recommendation says: filter in time, gate blocks of exactly 400 ms."""
    shelf = ([1.53512485958697, -2.69169618940638, 1.19839281085285],
             [1.0, -1.69065929318241, 0.73248077421585])  # fmt: skip
    high_pass = ([1.0, -2.0, 1.0], [1.0, -1.99004745483398, 0.99007225036621])
    heard = lfilter(*high_pass, lfilter(*shelf, samples.astype(float)))
    blocks = sliding_window_view(heard, int(0.4 * RATE_HZ))[:: int(0.1 * RATE_HZ)]
    power = (blocks**2).mean(axis=1)
    power = power[-0.691 + 10 * np.log10(power) > -70]
    power = power[power > power.mean() / 10]
    return float(-0.691 + 10 * np.log10(power.mean()))


def loudness_lufs(samples: NDArray[np.float32]) -> float | None:
    """Measure from the spectrum, as features do."""
    padded = np.pad(samples, FFT_SAMPLES // 2)
    window = hann(FFT_SAMPLES)
    frames = sliding_window_view(padded, FFT_SAMPLES)[::HOP_SAMPLES] * window
    spectrum = np.abs(np.fft.rfft(frames)) ** 2
    return gated_loudness_lufs(spectrum @ frame_weights(window, RATE_HZ), HOP_S)


def music_like() -> NDArray[np.float32]:
    """Return eight seconds of tones from bass to treble, over noise, with pauses and accents."""
    parts = [
        tone(hz, 1.0, rate_hz=RATE_HZ, amplitude=a)
        for hz, a in [(55, 0.4), (220, 0.1), (880, 0.02), (3_520, 0.3), (0, 0.0), (7_040, 0.1)]
    ]
    samples = np.concatenate([*parts, np.zeros(2 * RATE_HZ, np.float32)])
    return samples + noise(8.0, rate_hz=RATE_HZ, amplitude=0.002)


def test_a_full_scale_sine_of_997_hz_has_the_loudness_that_the_recommendation_says() -> None:
    sine = tone(997, 5.0, rate_hz=RATE_HZ, amplitude=1.0)
    assert loudness_lufs(sine) == pytest.approx(FULL_SCALE_SINE_LUFS, abs=0.02)


@pytest.mark.parametrize("hz", [40, 100, 500, 2_000, 8_000])
def test_a_sine_is_as_loud_as_by_filters_in_time(hz: int) -> None:
    sine = tone(hz, 3.0, rate_hz=RATE_HZ, amplitude=0.2)
    # Of the lowest, a bin is as wide as the slope of the high-pass.
    assert loudness_lufs(sine) == pytest.approx(filtered_loudness_lufs(sine), abs=0.3)


def test_a_recording_with_pauses_is_as_loud_as_by_filters_in_time() -> None:
    samples = music_like()
    assert loudness_lufs(samples) == pytest.approx(filtered_loudness_lufs(samples), abs=0.2)


@pytest.mark.parametrize("db", [-60, -30, -6, 6, 40])
def test_so_many_decibels_change_the_loudness_by_as_many(db: float) -> None:
    samples = music_like()
    whole, changed = loudness_lufs(samples), loudness_lufs(samples * np.float32(10 ** (db / 20)))
    assert whole is not None
    # 60 dB below, the quietest blocks are beyond hearing, and no longer count.
    assert changed == pytest.approx(whole + db, abs=0.5 if db == -60 else 0.01)


def test_silence_around_it_does_not_make_a_sound_quieter() -> None:
    sine = tone(440, 2.0, rate_hz=RATE_HZ, amplitude=0.1)
    alone = loudness_lufs(sine)
    silence = np.zeros(10 * RATE_HZ, np.float32)
    # Blocks that straddle an end are counted, and quieter by less than the gate.
    assert loudness_lufs(np.concatenate([silence, sine, silence])) == pytest.approx(alone, abs=0.8)


def test_a_quiet_stretch_does_not_make_the_loud_one_quieter() -> None:
    loud = tone(440, 4.0, rate_hz=RATE_HZ, amplitude=0.3)
    quiet = tone(440, 16.0, rate_hz=RATE_HZ, amplitude=0.01)
    both = loudness_lufs(np.concatenate([loud, quiet]))
    assert both == pytest.approx(loudness_lufs(loud), abs=0.3)


@pytest.mark.parametrize("n_samples", [0, 1, RATE_HZ // 10, 3 * RATE_HZ])
def test_silence_has_no_loudness(n_samples: int) -> None:
    assert loudness_lufs(np.zeros(n_samples, np.float32)) is None


def test_what_nobody_hears_counts_as_silence() -> None:
    amplitude = 10 ** ((ABSOLUTE_GATE_LUFS - FULL_SCALE_SINE_LUFS) / 20)
    sine = tone(997, 2.0, rate_hz=RATE_HZ, amplitude=1.0)
    assert loudness_lufs(sine * np.float32(amplitude * 0.8)) is None
    assert loudness_lufs(sine * np.float32(amplitude * 1.2)) is not None


def test_a_tenth_of_a_second_is_measured_as_a_whole() -> None:
    sine = tone(997, 0.1, rate_hz=RATE_HZ, amplitude=1.0)
    assert loudness_lufs(sine) == pytest.approx(FULL_SCALE_SINE_LUFS, abs=1.0)


def test_a_constant_counts_nothing_and_treble_more_than_its_power() -> None:
    weights = k_weights(np.array([0.0, 997.0, 10_000.0]))
    assert weights[0] == pytest.approx(0, abs=1e-12)
    assert 10 * np.log10(weights[1:]) == pytest.approx([0.69, 4.0], abs=0.1)
