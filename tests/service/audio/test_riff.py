import struct

import numpy as np
import pytest

from service.audio.decode import decode
from service.audio.riff import codec_name, mended, read_wav, samples_of
from tests.audio import RATE_HZ, encode, tone

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
        HEADER + chunk(b"data", SAMPLES, 36),
        HEADER + chunk(b"data", SAMPLES, len(SAMPLES) // 2),
        b"RF64\xff\xff\xff\xff" + HEADER[8:] + chunk(b"data", SAMPLES, 0xFFFFFFFF),
        b"RF64\xff\xff\xff\xffWAVE"
        + chunk(b"ds64", bytes(28))
        + HEADER[12:]
        + chunk(b"data", SAMPLES, 0xFFFFFFFF),
    ],
    ids=[
        *("length 0", "no pad", "two chunks of samples", "another chunk between them"),
        *("length of a header", "half of the length", "long length missing", "long length 0"),
    ],
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


def test_a_long_length_is_told_by_its_own_chunk() -> None:
    lengths = struct.pack("<QQQI", 0, len(SAMPLES), 0, 0)
    data = b"RF64" + b"\xff" * 4 + b"WAVE" + chunk(b"ds64", lengths) + HEADER[12:]
    data += chunk(b"data", SAMPLES, 0xFFFFFFFF) + chunk(b"LIST", b"INFO" + bytes(4_000))
    wav = read_wav(data)
    assert samples_of(data, wav) == SAMPLES
    assert mended(data, wav) is data


@pytest.mark.parametrize("behind", [bytes(100_000), b"id3 " + bytes(90_000), b"TAG" + bytes(125)])
def test_what_follows_the_samples_and_is_none_is_left_out(behind: bytes) -> None:
    data = FILE + behind
    assert samples_of(data, read_wav(data)) == SAMPLES


def test_an_mp3_that_follows_the_samples_is_not_heard_as_samples() -> None:
    data = FILE + encode(tone(), container="MP3")
    assert samples_of(data, read_wav(data)) == SAMPLES


@pytest.mark.parametrize("form", [HEADER[20:34], HEADER[20:34] + b"\0\0"])
def test_bits_that_the_form_leaves_out_are_those_of_a_sample(form: bytes) -> None:
    data = HEADER[:12] + chunk(b"fmt ", form) + chunk(b"data", SAMPLES)
    assert mended(data, read_wav(data)) == FILE


@pytest.mark.parametrize(
    ("rate_hz", "frame_bytes"), [(44_100, 2), (0xFFFFFFFF, 2), (44_100, 9), (44_100, 0xFFFF)]
)
def test_a_form_without_bits_is_mended_whatever_else_it_says(
    rate_hz: int, frame_bytes: int
) -> None:
    form = struct.pack("<HHIIHH", 1, 1, rate_hz, 0, frame_bytes, 0)
    data = HEADER[:12] + chunk(b"fmt ", form) + chunk(b"data", SAMPLES)
    wav = read_wav(data)
    assert wav.form is not None
    assert wav.form.bits == (16 if frame_bytes == 2 else 0)
    assert SAMPLES in mended(data, wav)


@pytest.mark.parametrize(("bits", "n_bytes"), [(20, 4), (16, 3), (8, 2)])
def test_of_bits_that_do_not_fill_their_bytes_the_lowest_bytes_are_left_out(
    bits: int, n_bytes: int
) -> None:
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, n_bytes * RATE_HZ, n_bytes, bits)
    samples = (tone() * 2 ** (bits - 1)).astype("<i4") << 32 - bits
    padded = samples.view(np.uint8).reshape(-1, 4)[:, 4 - n_bytes :].tobytes()
    clip = decode(HEADER[:12] + chunk(b"fmt ", form) + chunk(b"data", padded), [RATE_HZ])
    np.testing.assert_allclose(clip.waveforms[RATE_HZ], tone(), atol=2.0 ** (1 - bits))


def test_bytes_that_are_no_padding_are_heard_whatever_the_form_says_of_them() -> None:
    form = struct.pack("<HHIIHH", 1, 1, RATE_HZ, 4 * RATE_HZ, 4, 16)
    data = HEADER[:12] + chunk(b"fmt ", form) + chunk(b"data", SAMPLES)
    np.testing.assert_allclose(decode(data, [RATE_HZ]).waveforms[RATE_HZ], tone(), atol=1e-4)


def test_of_a_file_of_nothing_but_chunks_no_more_are_looked_at_than_any_recorder_writes() -> None:
    wav = read_wav(HEADER + chunk(b"free", b"") * 20_000 + chunk(b"data", SAMPLES))
    assert len(wav.chunks) == 10_000


def test_the_codec_is_read_from_an_extensible_format_too() -> None:
    assert read_wav(encode(tone(), container="WAVEX", subtype="FLOAT")).codec == 3
    assert read_wav(encode(tone(), subtype="ULAW")).codec == 7
    assert read_wav(b"RIFF\0\0\0\0WAVE").codec is None


def test_a_file_in_the_other_byte_order_is_left_to_libsndfile() -> None:
    data = encode(tone(), subtype="PCM_16", endian="BIG")
    assert data[:4] == b"RIFX"
    assert read_wav(data).codec is None
    assert mended(data, read_wav(data)) is data


def test_codecs_have_names_or_numbers() -> None:
    assert codec_name(0xFF) == "AAC"
    assert codec_name(0x0270) == "ATRAC3"
    assert codec_name(0x4242) == "number 0x4242"
