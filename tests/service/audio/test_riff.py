import struct

import numpy as np
import pytest

from service.audio.riff import codec_name, is_cut_off, mended, read_wav, samples_of
from tests.audio import encode, tone

FILE = encode(tone(), subtype="PCM_16")
HEADER, SAMPLES = FILE[:36], FILE[44:]


def chunk(name: bytes, content: bytes, stated: int | None = None, *, pad: bool = True) -> bytes:
    length = struct.pack("<I", len(content) if stated is None else stated)
    return name + length + content + (b"\0" if pad and len(content) % 2 else b"")


def test_a_file_in_order_is_left_as_it_is() -> None:
    wav = read_wav(FILE)
    assert wav.codec == 1
    assert mended(FILE, wav) is FILE
    assert samples_of(FILE, wav) == SAMPLES


@pytest.mark.parametrize(
    "data",
    [
        HEADER + chunk(b"data", SAMPLES, 0),
        HEADER + chunk(b"note", b"odd", pad=False) + chunk(b"data", SAMPLES),
        HEADER + chunk(b"data", SAMPLES[:1_000]) + chunk(b"data", SAMPLES[1_000:]),
        HEADER
        + chunk(b"data", SAMPLES[:1_000])
        + chunk(b"LIST", b"abc")
        + chunk(b"data", SAMPLES[1_000:]),
    ],
    ids=["length 0", "no pad", "two chunks of samples", "another chunk between them"],
)
def test_a_half_written_file_is_mended_to_one_in_order(data: bytes) -> None:
    fixed = mended(data, read_wav(data))
    assert fixed != data
    wav = read_wav(fixed)
    assert mended(fixed, wav) is fixed
    assert samples_of(fixed, wav) == SAMPLES
    assert fixed[4:8] == struct.pack("<I", len(fixed) - 8)


def test_a_file_without_samples_is_not_mended_from_what_follows() -> None:
    data = HEADER + chunk(b"data", b"", 0) + chunk(b"LIST", b"INFO")
    assert mended(data, read_wav(data)) is data


def test_the_codec_is_read_from_an_extensible_format_too() -> None:
    assert read_wav(encode(tone(), container="WAVEX", subtype="FLOAT")).codec == 3
    assert read_wav(encode(tone(), subtype="ULAW")).codec == 7
    assert read_wav(b"RIFF\0\0\0\0WAVE").codec is None


def test_a_file_in_the_other_byte_order_is_left_to_libsndfile() -> None:
    data = encode(tone(), subtype="PCM_16", endian="BIG")
    assert data[:4] == b"RIFX"
    assert read_wav(data).codec is None
    assert mended(data, read_wav(data)) is data


def test_an_au_file_that_was_streamed_states_no_length() -> None:
    data = encode(tone(), container="AU")
    streamed = data[:8] + b"\xff" * 4 + data[12:]
    assert not is_cut_off(streamed[: len(data) // 2], 0.95)


def test_codecs_have_names_or_numbers() -> None:
    assert codec_name(0xFF) == "AAC"
    assert codec_name(0x0270) == "ATRAC3"
    assert codec_name(0x4242) == "number 0x4242"


@pytest.mark.parametrize("container", ["WAV", "RF64", "AIFF", "AU", "W64"])
def test_a_file_is_cut_off_when_bytes_are_missing(container: str) -> None:
    data = encode(tone(), container=container)
    assert not is_cut_off(data, 0.95)
    assert is_cut_off(data[: len(data) // 2], 0.95)
    assert not is_cut_off(np.random.default_rng(0).bytes(100), 0.95)
