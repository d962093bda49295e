import numpy as np
import pytest

from service.audio.recording import Recording, Waveforms
from tests.audio import RATE_HZ, Waveform, noise, stereo, tone

SOUND = noise(1.0)


def mixed(samples: Waveform, channel: int | None = None) -> Waveform:
    waveforms = Waveforms([RATE_HZ])
    recording = Recording(RATE_HZ, samples.shape[1], waveforms, channel)
    for block in np.array_split(samples, 5):
        recording.add(block)
    recording.end()
    return waveforms.end(recording.levels.gain)[RATE_HZ]


def test_channels_are_mixed_to_their_mean() -> None:
    other = noise(1.0, seed=1)
    np.testing.assert_allclose(mixed(stereo(SOUND, other)), (SOUND + other) / 2, atol=1e-6)


def test_silent_channels_are_left_out_of_the_mean() -> None:
    hiss = noise(1.0, amplitude=1e-5, seed=1)
    np.testing.assert_allclose(mixed(stereo(SOUND, 0 * SOUND)), SOUND, atol=1e-6)
    np.testing.assert_allclose(mixed(stereo(hiss, SOUND)), SOUND, atol=2e-5)
    eight = np.zeros((len(SOUND), 8), np.float32)
    eight[:, 3] = SOUND
    np.testing.assert_allclose(mixed(eight), SOUND, atol=1e-6)


def test_a_quiet_channel_is_no_silent_one() -> None:
    quiet = 0.01 * noise(1.0, seed=1)
    np.testing.assert_allclose(mixed(stereo(SOUND, quiet)), (SOUND + quiet) / 2, atol=1e-6)


def test_one_channel_can_be_heard_alone() -> None:
    samples = stereo(tone(440, 1.0), SOUND)
    np.testing.assert_array_equal(mixed(samples, 1), SOUND)


@pytest.mark.parametrize("scale", [2.0**15, 2.0**23, 2.0**31])
def test_integers_in_floating_point_are_brought_to_full_scale(scale: float) -> None:
    samples = (SOUND / np.abs(SOUND).max())[:, np.newaxis]
    integers = np.round(samples.astype(np.float64) * (scale - 1)).astype(np.float32)
    np.testing.assert_allclose(mixed(integers), samples[:, 0], atol=1e-4)


def test_a_file_that_goes_beyond_full_scale_as_mixes_do_is_left_alone() -> None:
    loud = 8 * SOUND
    np.testing.assert_array_equal(mixed(loud[:, np.newaxis]), loud)


def test_each_rate_of_a_listener_is_heard_to_its_end() -> None:
    waveforms = Waveforms([8_000, 16_000])
    recording = Recording(RATE_HZ, 1, waveforms)
    for block in np.array_split(SOUND[:, np.newaxis], 7):
        recording.add(block)
    recording.end()
    heard = waveforms.end(1.0)
    assert {rate_hz: len(samples) for rate_hz, samples in heard.items()} == {
        8_000: 8_000,
        16_000: 16_000,
    }


def test_a_listener_forgets_what_it_heard_when_the_recording_begins_anew() -> None:
    waveforms = Waveforms([RATE_HZ])
    for samples in (SOUND, tone(440, 0.5)):
        recording = Recording(RATE_HZ, 1, waveforms)
        recording.add(samples[:, np.newaxis])
        recording.end()
    np.testing.assert_array_equal(waveforms.end(1.0)[RATE_HZ], tone(440, 0.5))
