import numpy as np
import pytest

from service.audio.mpeg import Part, frame_bytes
from service.audio.readers.mpeg import open_mpeg
from service.audio.readers.sndfile import SndFileSource
from service.audio.readers.source import Source, Unreadable
from service.audio.readers.spliced import Parts
from tests.audio import Waveform, encode, noise, tone, varying_mp3
from tests.service.audio.test_icy import with_titles
from tests.service.audio.test_mpeg import FRAMES
from tests.service.audio.test_tags import id3v2

SOUND = np.concatenate([0 * tone(duration_s=1.0), noise(3.0)])
FILE = varying_mp3(SOUND)
PIPED = FILE[frame_bytes(FILE, 0) :]
INFO = FILE[: frame_bytes(FILE, 0)]
NUMBER_AT = 4 + 17 + 8  # of frames, in mono


def opened(data: bytes) -> Source:
    def by_sndfile(frames: bytes | Parts, _: Part, stated_s: float) -> Source:
        return SndFileSource(frames, "mp3", stated_s=stated_s)

    return open_mpeg(data, 0, len(data), open_part=by_sndfile)


def heard(data: bytes) -> Waveform:
    return np.concatenate(list(opened(data).blocks()))[:, 0]


def stating(n_frames: int, n_bytes: int = len(FILE)) -> bytes:
    numbers = n_frames.to_bytes(4, "big") + n_bytes.to_bytes(4, "big")
    return INFO[:NUMBER_AT] + numbers + INFO[NUMBER_AT + 8 :] + PIPED


def test_a_file_in_order_is_read_as_it_is() -> None:
    samples = heard(FILE)
    assert len(samples) == len(SOUND)
    np.testing.assert_array_equal(
        samples, np.concatenate(list(SndFileSource(FILE, "mp3").blocks()))[:, 0]
    )


@pytest.mark.parametrize("stated", [0, 10, 100_000])
def test_all_frames_are_read_whatever_number_is_stated(stated: int) -> None:
    np.testing.assert_allclose(heard(stating(stated))[: len(SOUND)], heard(FILE), atol=1e-6)


def test_a_number_that_is_too_large_tells_what_is_missing() -> None:
    missing = stating(1_000, n_bytes=10 * len(FILE))
    assert opened(missing).stated_s == pytest.approx(1_000 * 1152 / 44_100)
    assert opened(PIPED).stated_s == 0


def test_a_number_is_wrong_where_all_bytes_are_there_that_are_stated_beside_it() -> None:
    assert opened(stating(1_000)).stated_s == 0


def test_a_file_from_a_pipe_is_read_to_its_end() -> None:
    samples = heard(PIPED)
    n_more = len(samples) - len(SOUND)  # the encoder's delay, of which nothing tells
    assert 0 < n_more < 3_000
    lags = [np.dot(samples[lag : lag + len(SOUND)], SOUND) for lag in range(n_more)]
    assert np.max(lags) > 0.7 * np.dot(SOUND, SOUND)  # it is of low quality


def test_joined_files_are_read_one_after_the_other() -> None:
    assert len(heard(FILE + id3v2(300) + FILE)) == pytest.approx(2 * len(SOUND), abs=4_000)


def test_joined_files_of_other_rates_and_channels_are_read_at_those_of_the_first() -> None:
    slow = noise(2.0, rate_hz=22_050)
    other = encode(np.stack([slow, slow], axis=1), 22_050, container="MP3")
    source = opened(PIPED + other)
    n_samples = sum(len(block) for block in source.blocks())
    assert (source.sample_rate_hz, source.channels) == (44_100, 1)
    assert n_samples / 44_100 == pytest.approx(6.0, abs=0.2)


def test_titles_between_the_frames_cost_nothing() -> None:
    stream = PIPED * 2
    np.testing.assert_array_equal(heard(with_titles(stream, 8_192)), heard(stream))


def test_a_hole_costs_what_was_in_it() -> None:
    data = bytearray(PIPED)
    middle = len(data) // 2
    data[middle : middle + 2_000] = bytes(2_000)
    source = opened(bytes(data))
    n_samples = sum(len(block) for block in source.blocks())
    assert source.damaged_s > 0.05
    assert n_samples / 44_100 + source.damaged_s == pytest.approx(4.0, abs=0.2)


def test_a_place_is_found_without_decoding_what_comes_before() -> None:
    whole, source = heard(PIPED), opened(PIPED)
    at = source.seek(2 * 44_100)
    assert at == 2 * 44_100
    rest = np.concatenate(list(source.blocks()))[:, 0]
    np.testing.assert_allclose(rest, whole[at:], atol=1e-3)


def test_a_file_without_frames_is_unreadable() -> None:
    with pytest.raises(Unreadable, match="no frames"):
        opened(FRAMES[0][:50])
