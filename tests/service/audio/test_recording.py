import numpy as np
import pytest

from service.audio.recording import Recording
from tests.audio import RATE_HZ, Waveform, noise, stereo, tone

SOUND = noise(1.0)


def mixed(samples: Waveform, channel: int | None = None) -> Waveform:
    recording = Recording(RATE_HZ, samples.shape[1], [RATE_HZ], channel)
    for block in np.array_split(samples, 5):
        recording.add(block)
    return recording.waveforms()[RATE_HZ]


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
