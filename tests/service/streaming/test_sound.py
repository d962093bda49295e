import numpy as np
import pytest
import soxr

from service.streaming.protocol import StreamRefused, StreamStart
from service.streaming.sound import QUIETEST_DB, Resampler, Sound
from tests.audio import noise, stereo, tone
from tests.bundles import SAMPLE_RATE_HZ
from tests.service.streaming.said import START, floats, integers, pieces

STEREO = StreamStart(sample_rate_hz=SAMPLE_RATE_HZ, channels=2, encoding="pcm_s16le")


@pytest.mark.parametrize("size", [1, 3, 1000, 1 << 20])
def test_samples_are_the_same_however_they_are_cut(size: int) -> None:
    samples = noise(0.1, rate_hz=SAMPLE_RATE_HZ)
    sound = Sound(START)
    heard = np.concatenate([sound.add(piece) for piece in pieces(floats(samples), size)])
    np.testing.assert_array_equal(heard, samples)
    assert sound.heard_s == pytest.approx(0.1)


def test_channels_are_mixed() -> None:
    left, right = tone(440, 0.1), tone(660, 0.1, amplitude=0.1)
    heard = Sound(STEREO).add(integers(stereo(left, right)))
    np.testing.assert_allclose(heard, (left + right) / 2, atol=1e-4)


def test_of_channels_that_cancel_each_other_the_loudest_is_heard_as_in_a_file() -> None:
    left = tone(440, 0.1)
    sound = Sound(STEREO)
    first, second = sound.add(integers(stereo(left, -0.8 * left))), sound.add(bytes(400))
    np.testing.assert_allclose(first, left, atol=1e-4)
    assert not second.any()
    assert sound.level_db() > -20


def test_it_knows_how_many_bytes_lack_for_so_many_samples() -> None:
    sound = Sound(STEREO)
    sound.add(bytes(4 * 10 + 3))
    assert sound.bytes_until(12) == 4 * 2 - 3


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
def test_what_are_no_samples_is_refused(value: float) -> None:
    with pytest.raises(StreamRefused, match="finite"):
        Sound(START).add(floats(np.array([0, value], np.float32)))


def test_the_level_is_that_since_it_was_last_asked_or_that_of_then() -> None:
    sound = Sound(START)
    sound.add(floats(np.ones(100, np.float32)))
    assert sound.level_db() == 0.0
    sound.add(floats(tone(440, 1.0, rate_hz=SAMPLE_RATE_HZ, amplitude=0.1)))
    assert sound.level_db() == pytest.approx(-23.0, abs=0.1)
    assert sound.level_db() == pytest.approx(-23.0, abs=0.1)
    sound.add(floats(np.full(100, 4, np.float32)))
    assert sound.level_db() == 0.0
    sound.add(bytes(400))
    assert sound.level_db() == QUIETEST_DB
    assert sound.level_db() == QUIETEST_DB


def test_resampling_is_that_of_the_whole() -> None:
    samples = noise(0.5)
    resampler = Resampler(44_100, 16_000)
    parts = [resampler.add(samples[start : start + 777]) for start in range(0, len(samples), 777)]
    parts.append(resampler.add(samples[:0], last=True))
    np.testing.assert_allclose(
        np.concatenate(parts), soxr.resample(samples, 44_100, 16_000), atol=1e-5
    )


def test_at_the_same_rate_nothing_changes() -> None:
    samples = noise(0.1)
    assert Resampler(44_100, 44_100).add(samples) is samples
