import numpy as np
import pytest

from service.audio.formats import FORMATS, Found, check_allowed, find, readable
from service.errors import UnsupportedAudio
from tests.audio import ENCODINGS, MUXINGS, Muxing, encode, encode_as, mux, noise
from tests.service.audio.test_free_format import STREAM
from tests.service.audio.test_tags import id3v2


@pytest.mark.parametrize("name", ENCODINGS)
def test_what_libsndfile_writes_is_told_by_its_first_bytes(name: str) -> None:
    data = encode_as(name, noise(0.5, rate_hz=ENCODINGS[name].rate_hz))
    found = find(data, FORMATS)
    assert found.name == ("ogg" if name == "opus" else name)
    assert (found.begin, found.end) == (0, len(data))


@pytest.mark.parametrize("container", ["AU", "CAF", "W64", "RF64"])
def test_other_containers_of_libsndfile_are_told(container: str) -> None:
    expected = {"RF64": "wav"}.get(container, container.lower())
    assert find(encode(noise(0.1), container=container), FORMATS).name == expected


@pytest.mark.parametrize("name", MUXINGS)
def test_what_ffmpeg_writes_is_told_by_its_first_bytes(name: str) -> None:
    answer, muxing = MUXINGS[name]
    data = mux(noise(0.5, rate_hz=muxing.rate_hz), muxing)
    assert find(data, FORMATS).name == {"oga": "ogg"}.get(name, answer)


@pytest.mark.parametrize("front", [id3v2(100), bytes(1_000), b"\x17" * 500])
@pytest.mark.parametrize("name", ["mp3", "flac", "ogg"])
def test_a_file_is_found_behind_tags_and_junk(name: str, front: bytes) -> None:
    found = find(front + encode_as(name, noise(0.5)), FORMATS)
    assert (found.name, found.begin) == (name, len(front))


@pytest.mark.parametrize("name", ["m4a", "webm", "wma", "amr", "wavpack", "tta", "ac3", "latm"])
def test_other_files_are_found_behind_junk_too(name: str) -> None:
    answer, muxing = MUXINGS.get(name, ("aac", Muxing("latm", "aac")))
    front = b"HTTP/1.1 200 OK\r\nContent-Type: audio\r\n\r\n"
    found = find(front + mux(noise(0.5, rate_hz=muxing.rate_hz), muxing), FORMATS)
    assert (found.name, found.begin) == (answer, len(front))


@pytest.mark.parametrize(("container", "name"), [("WAV", "wav"), ("AIFF", "aiff"), ("CAF", "caf")])
def test_files_of_libsndfile_are_found_behind_a_byte_order_mark(container: str, name: str) -> None:
    found = find(b"\xef\xbb\xbf" + encode(noise(0.5), container=container), FORMATS)
    assert (found.name, found.begin) == (name, 3)


def test_frames_of_flac_without_the_beginning_of_their_file_are_found() -> None:
    data = encode_as("flac", noise(2.0))[10_000:]
    found = find(data, FORMATS)
    assert found.name == "flac"
    assert data[found.begin : found.begin + 2] == b"\xff\xf8"


def test_mp3_of_a_free_bit_rate_is_found() -> None:
    assert find(STREAM, FORMATS) == Found("mp3", 0, len(STREAM))


def test_what_is_foreign_is_named_with_what_can_be_sent() -> None:
    with pytest.raises(UnsupportedAudio, match=r"is a PNG picture\. Use WAV, MP3"):
        find(b"\x89PNG\r\n\x1a\n" + bytes(1_000), FORMATS)


def test_an_ogg_stream_without_its_first_pages_is_named() -> None:
    data = encode_as("ogg", noise(2.0))
    middle = data[data.index(b"OggS\0\0", 1_000) - 50 :]
    with pytest.raises(UnsupportedAudio, match="an Ogg stream from its middle"):
        find(middle, FORMATS)


def test_random_bytes_are_not_audio() -> None:
    with pytest.raises(UnsupportedAudio, match="no audio that the service reads"):
        find(np.random.default_rng(0).bytes(10_000), FORMATS)


def test_a_format_that_is_not_allowed_is_refused_with_the_setting_and_the_others() -> None:
    check_allowed("flac", ("flac", "wav"))
    with pytest.raises(UnsupportedAudio, match=r"is MP3.*SERVICE_FORMATS.*Use WAV or FLAC\."):
        check_allowed("mp3", ("flac", "wav"))


def test_all_formats_are_listed_in_words() -> None:
    assert readable(["wav"]) == "WAV"
    assert readable(["mp3", "wav", "tta"]) == "WAV, MP3 or TTA"
    assert all(title in readable(FORMATS) for title in FORMATS.values())
