import io

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from service.audio.decode import decode
from training.robustness.changes import CHANGES, UNCHANGED

RATE_HZ = 44_100
TONE_HZ = 1_000.0


@pytest.fixture(scope="module")
def recording() -> NDArray[np.float32]:
    """A tenth of a second of silence, then a tone of 1.5 s."""
    time_s = np.arange(int(1.5 * RATE_HZ)) / RATE_HZ
    tone = 0.5 * np.sin(2 * np.pi * TONE_HZ * time_s)
    return np.concatenate([np.zeros(RATE_HZ // 10), tone]).astype(np.float32)


def changed(change: str, recording: NDArray[np.float32]) -> tuple[NDArray[np.float32], int, str]:
    """Return what the service hears of a changed recording: waveform, rate and format."""
    file = CHANGES[change](recording, RATE_HZ, np.random.default_rng(0))
    rate_hz = decode(file).sample_rate_hz
    clip = decode(file, [rate_hz])
    return clip.waveforms[rate_hz], rate_hz, clip.format


def frequency_hz(samples: NDArray[np.float32], rate_hz: int) -> float:
    middle = samples[len(samples) // 4 : -len(samples) // 4]
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)), 1 << 20))
    return float(power.argmax() * rate_hz / (1 << 20))


def rms(samples: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean(samples[-RATE_HZ:].astype(float) ** 2)))


@pytest.mark.parametrize("change", CHANGES)
def test_the_service_reads_every_changed_recording(
    change: str, recording: NDArray[np.float32]
) -> None:
    samples, rate_hz, _ = changed(change, recording)
    cents = {"30 cents higher": 30, "30 cents lower": -30}.get(change, 0)
    expected_hz = TONE_HZ * 2 ** (cents / 1200)
    assert frequency_hz(samples - samples.mean(), rate_hz) == pytest.approx(expected_hz, rel=2e-3)
    expected_s = 0.5 if change == "first 0.5 s" else 1.6 * 2 ** (-cents / 1200)
    if change in ("first 3 s", "first 10 s"):
        assert len(samples) == len(recording)
    assert len(samples) / rate_hz == pytest.approx(expected_s, abs=0.06)


def test_the_recording_as_it_is_is_not_changed(recording: NDArray[np.float32]) -> None:
    samples, rate_hz, _ = changed(UNCHANGED, recording)
    assert rate_hz == RATE_HZ
    np.testing.assert_allclose(samples, recording, atol=1e-4)


def test_level_rate_and_format_are_those_of_the_name(recording: NDArray[np.float32]) -> None:
    for db in (6, 20, 30, 60):
        quiet, _, _ = changed(f"{db} dB quieter", recording)
        # Of the quietest, little more than the steps of 16 bits is left.
        assert 20 * np.log10(rms(quiet) / rms(recording)) == pytest.approx(-db, abs=0.1)
    loud, _, _ = changed("6 dB louder", recording)
    assert 20 * np.log10(rms(loud) / rms(recording)) == pytest.approx(6, abs=0.1)
    assert changed("16 kHz", recording)[1] == 16_000
    assert changed("MP3 at 64 kbit/s", recording)[2] == "mp3"


def test_louder_recordings_in_floats_keep_their_shape(recording: NDArray[np.float32]) -> None:
    # The decoder takes integers for what they are.
    for change, gain in (("6 dB louder", 10 ** (6 / 20)), ("integers in a file of floats", 1)):
        samples, _, _ = changed(change, 1.9 * recording)
        np.testing.assert_allclose(samples, gain * 1.9 * recording, rtol=1e-4)


def test_a_clipped_recording_has_lost_its_peaks(recording: NDArray[np.float32]) -> None:
    samples, _, _ = changed("clipped by 6 dB", recording)
    # Half of a sine's amplitude is exceeded for two thirds of the time.
    at_full_scale = np.mean(np.abs(samples[RATE_HZ // 10 :]) > 0.999)
    assert at_full_scale == pytest.approx(2 / 3, abs=0.01)


def test_an_offset_moves_every_sample(recording: NDArray[np.float32]) -> None:
    samples, _, _ = changed("offset of 0.4", recording)
    np.testing.assert_allclose(samples, recording + 0.4, atol=1e-6)


def test_of_eight_channels_only_one_sounds(recording: NDArray[np.float32]) -> None:
    file = CHANGES["one of eight channels"](recording, RATE_HZ, np.random.default_rng(0))
    samples, _ = soundfile.read(io.BytesIO(file), dtype="float32")
    np.testing.assert_allclose(samples[:, 0], recording, atol=1e-4)
    assert samples.shape == (len(recording), 8)
    assert not samples[:, 1:].any()


def test_an_mp3_has_the_bit_rate_of_its_name(recording: NDArray[np.float32]) -> None:
    long = np.tile(recording, 10)
    file = CHANGES["MP3 at 64 kbit/s"](long, RATE_HZ, np.random.default_rng(0))
    kbps = 8 * len(file) / (len(long) / RATE_HZ) / 1_000
    assert kbps == pytest.approx(64, rel=0.05)


def test_noise_lies_20_db_below_the_sound(recording: NDArray[np.float32]) -> None:
    noisy, _, _ = changed("noise at 20 dB", recording)
    noise = noisy - recording
    whole = np.sqrt(np.mean(recording.astype(float) ** 2))
    assert 20 * np.log10(np.sqrt(np.mean(noise**2)) / whole) == pytest.approx(-20, abs=0.3)


def test_the_first_half_second_begins_where_it_sounds(recording: NDArray[np.float32]) -> None:
    samples, rate_hz, _ = changed("first 0.5 s", recording)
    assert len(samples) == rate_hz // 2
    assert np.abs(samples[: rate_hz // 100]).max() > 0.4
