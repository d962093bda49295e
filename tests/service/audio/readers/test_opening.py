import contextlib

import numpy as np
import pytest

from service.audio.formats import FORMATS
from service.audio.readers.chain import ChainSource
from service.audio.readers.opening import openings_of
from service.audio.readers.pcm import PcmSource
from service.audio.readers.sndfile import SndFileSource
from service.audio.readers.source import Source, Unreadable
from service.errors import UnsupportedAudio, UnusableAudio
from tests.audio import ENCODINGS, MUXINGS, Muxing, encode, encode_as, mux, noise, varying_mp3
from tests.service.audio.readers.test_ffmpeg import rising
from tests.service.audio.test_free_format import STREAM
from tests.service.audio.test_icy import with_titles
from tests.service.audio.test_riff import HEADER, chunk

SOUND = noise(1.0)


def first(data: bytes) -> Source:
    """Return the file, opened by the first reader that can."""
    for opening in openings_of(data, FORMATS)[1]:
        with contextlib.suppress(Unreadable):
            return opening()
    raise AssertionError("no reader opens it")


@pytest.mark.parametrize("name", ENCODINGS)
def test_libsndfile_comes_first_where_it_is_right(name: str) -> None:
    data = encode_as(name, noise(1.0, rate_hz=ENCODINGS[name].rate_hz))
    found, openings = openings_of(data, FORMATS)
    source = openings[0]()
    assert isinstance(source, PcmSource if name == "wav" else SndFileSource)
    assert source.format == found == name


def test_a_plain_wav_whose_chunks_are_out_of_order_is_mended_first() -> None:
    data = encode(SOUND, subtype="PCM_16")
    assert isinstance(first(data), PcmSource)
    assert isinstance(first(data + chunk(b"data", b"\1\0\2\0")), SndFileSource)


@pytest.mark.parametrize("name", MUXINGS)
def test_ffmpeg_reads_the_rest(name: str) -> None:
    answer, muxing = MUXINGS[name]
    source = first(mux(noise(1.0, rate_hz=muxing.rate_hz), muxing))
    framed = {"aac", "amr", "ac3", "eac3"}
    assert type(source).__name__ == ("FramedSource" if name in framed else "FFmpegSource")
    assert source.format == answer


def test_ogg_files_in_a_chain_are_read_as_one() -> None:
    source = first(encode_as("ogg", SOUND) + mux(SOUND, Muxing("ogg", "flac")))
    assert isinstance(source, ChainSource)
    assert sum(map(len, source.blocks())) == pytest.approx(2 * len(SOUND), abs=100)


def test_a_joined_file_that_cannot_be_read_counts_as_damage() -> None:
    data = encode(SOUND, container="FLAC")
    emptied = data[:18] + bytes(len(data) - 18)
    source = first(data + emptied + data)
    assert sum(map(len, source.blocks())) == 2 * len(SOUND)
    assert source.damaged_s == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("name", ["ogg", "opus"])
def test_what_follows_a_place_in_a_chain_is_what_follows_it_when_all_is_read(name: str) -> None:
    link = encode_as(name, rising(2.0, ENCODINGS[name].rate_hz))
    whole = np.concatenate(list(first(4 * link).blocks()))[:, 0]
    source = first(4 * link)
    aim = round(2.6 * len(whole) / 4)
    assert source.seek(aim) == aim
    rest = np.concatenate(list(source.blocks()))[:, 0]
    assert len(rest) == len(whole) - aim
    np.testing.assert_allclose(rest, whole[aim:], atol=0.02)


def test_every_link_of_a_chain_must_be_allowed() -> None:
    data = encode_as("ogg", SOUND) + encode_as("opus", noise(1.0, rate_hz=48_000))
    openings_of(data, ["ogg", "opus"])
    with pytest.raises(UnsupportedAudio, match="is Opus"):
        openings_of(data, ["ogg"])


@pytest.mark.parametrize(
    "data",
    [encode_as("ogg", noise(4.0)), mux(noise(4.0), Muxing("ogg", "flac"))],
    ids=["vorbis", "flac"],
)
def test_a_damaged_ogg_tells_what_is_missing(data: bytes) -> None:
    pages = [b"OggS" + rest for rest in data.split(b"OggS")[1:]]
    source = first(b"".join(pages[:5] + pages[6:]))
    assert 2.0 < sum(map(len, source.blocks())) / 44_100 < 4.0
    assert 0.05 < source.damaged_s < 1.5
    assert first(data[:-500]).cut_off


def test_an_ogg_file_of_a_video_alone_is_foreign() -> None:
    data = bytearray(encode_as("ogg", SOUND))
    at = data.find(b"\x01vorbis")
    data[at : at + 7] = b"\x80theora"
    with pytest.raises(UnsupportedAudio, match="no sound that the service reads"):
        openings_of(bytes(data), FORMATS)


@pytest.mark.parametrize("codec", ["libmp3lame", "mp2"])
def test_mpeg_audio_in_a_wav_is_walked_as_a_file_of_its_own(codec: str) -> None:
    source = first(mux(SOUND, Muxing("wav", codec)))
    assert source.format == "wav"
    assert sum(map(len, source.blocks())) / 44_100 == pytest.approx(1.0, abs=0.1)


def test_piped_mp3_in_a_wav_is_read_to_its_end() -> None:
    form = mux(SOUND, Muxing("wav", "libmp3lame"))
    begin = form.find(b"fmt ")
    length = int.from_bytes(form[begin + 4 : begin + 8], "little")
    stream = varying_mp3(noise(4.0), info=False)
    data = form[:12] + form[begin : begin + 8 + length] + chunk(b"data", stream)
    assert sum(map(len, first(data).blocks())) / 44_100 == pytest.approx(4.0, abs=0.1)


def with_codec(number: int, samples: bytes) -> bytes:
    form = HEADER[12:20] + number.to_bytes(2, "little") + HEADER[22:]
    return HEADER[:12] + form + chunk(b"data", samples)


def test_aac_in_a_wav_is_read_where_its_frames_can_be_told_apart() -> None:
    stream = mux(SOUND, MUXINGS["aac"][1])
    source = first(with_codec(0xFF, stream))
    assert source.format == "wav"
    assert sum(map(len, source.blocks())) / 44_100 == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("number", "name"), [(0xFF, "AAC"), (0x270, "ATRAC3"), (0x99, "0x0099")])
def test_a_codec_that_is_not_read_in_a_wav_is_named(number: int, name: str) -> None:
    with pytest.raises(UnsupportedAudio, match=f"codec.*{name}"):
        openings_of(with_codec(number, bytes(5_000)), FORMATS)


def test_the_second_reader_takes_what_the_first_cannot() -> None:
    data = bytearray(encode(noise(4.0), container="FLAC"))
    data[len(data) // 2] ^= 1
    _, (fast, slow, *_) = openings_of(bytes(data), FORMATS)
    with pytest.raises(Unreadable, match="flac decoder"):
        list(fast().blocks())
    assert sum(map(len, slow().blocks())) > 3 * 44_100


JOINED = {
    "wav": encode(SOUND),
    "24 bits": encode(SOUND, subtype="PCM_24"),
    **{name: encode(SOUND, container=name) for name in ("AIFF", "FLAC", "AU", "CAF", "W64")},
    **{name: mux(SOUND, MUXINGS[name][1]) for name in ("m4a", "mov", "wma", "tta", "aac", "mkv")},
}


@pytest.mark.parametrize("name", JOINED)
def test_joined_files_are_read_one_after_the_other(name: str) -> None:
    source = first(2 * JOINED[name])
    assert sum(map(len, source.blocks())) / 44_100 == pytest.approx(2.0, abs=0.15)
    assert source.damaged_s == 0


def test_a_joined_file_of_another_rate_is_read_at_that_of_the_first() -> None:
    source = first(encode(SOUND, container="FLAC") + encode(SOUND, 22_050, container="FLAC"))
    assert sum(map(len, source.blocks())) / 44_100 == pytest.approx(3.0, abs=0.01)


def test_mp3_and_its_forerunner_behind_each_other_are_both_read() -> None:
    source = first(encode(SOUND, container="MP3") + mux(SOUND, MUXINGS["mp2"][1]))
    assert sum(map(len, source.blocks())) / 44_100 == pytest.approx(2.0, abs=0.1)


def test_an_mp3_of_a_free_bit_rate_is_read() -> None:
    assert sum(map(len, first(STREAM).blocks())) / 44_100 == pytest.approx(2.0, abs=0.1)


def test_flac_is_read_without_the_beginning_of_its_file_or_behind_a_broken_one() -> None:
    data = bytearray(encode(noise(4.0), container="FLAC"))
    n_samples = sum(map(len, first(bytes(data[len(data) // 2 :])).blocks()))
    assert 1.5 < n_samples / 44_100 < 2.0
    data[43:46] = b"\xff" * 3  # the length of the second block
    assert sum(map(len, first(bytes(data)).blocks())) == 4 * 44_100


def test_titles_of_a_radio_station_between_frames_of_aac_are_taken_out() -> None:
    stream = mux(noise(4.0), MUXINGS["aac"][1])
    source = first(with_titles(stream, 4_096))
    samples = sum(map(len, source.blocks()))
    assert (samples, source.damaged_s) == (sum(map(len, first(stream).blocks())), 0)


def test_an_mp3_in_a_wav_that_says_samples_is_heard_as_an_mp3() -> None:
    data = HEADER + chunk(b"data", encode(SOUND, container="MP3"))
    source = first(data)
    assert source.format == "wav"
    assert sum(map(len, source.blocks())) / 44_100 == pytest.approx(1.0, abs=0.1)


def test_an_au_file_whose_length_was_never_written_is_read_to_its_end() -> None:
    data = encode(SOUND, container="AU")
    assert sum(map(len, first(data[:8] + bytes(4) + data[12:]).blocks())) == len(SOUND)


@pytest.mark.parametrize(("name", "missing"), [(b"fmt ", "'fmt '"), (b"data", "'data'")])
def test_a_wav_that_lacks_a_chunk_is_told_which(name: bytes, missing: str) -> None:
    data = encode(SOUND).replace(name, b"junk", 1)
    with pytest.raises(UnusableAudio, match=f"no chunk {missing}.*Use the whole file"):
        first(data)
