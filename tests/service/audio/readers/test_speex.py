"""Speex, of which no encoder is at hand: packets of its second slowest mode, made of random bits.

The format has no checksum of its own; whatever the bits are, a frame is 20 ms of sound.
"""

import struct

import numpy as np
import pytest

from service.audio.decode import decode
from service.audio.formats import FORMATS
from service.audio.readers.opening import openings_of
from service.errors import UnsupportedAudio

RATE_HZ = 8_000
FRAME_SAMPLES = 160
FRAME_BYTES = 20
MODE_BITS = 0b0_0011_000  # narrow band, the third way to code it
FIRST, LAST = 2, 4
POLYNOMIAL = 0x04C11DB7


def crc(page: bytes) -> int:
    value = 0
    for byte in page:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (POLYNOMIAL if value >> 31 else 0)) & 0xFFFFFFFF
    return value


def page(number: int, granule: int, flags: int, packets: list[bytes]) -> bytes:
    head = b"OggS\0" + bytes([flags]) + struct.pack("<qII", granule, 7, number)
    lengths = bytes([len(packets), *map(len, packets)])
    body = b"".join(packets)
    checksum = crc(head + bytes(4) + lengths + body)
    return head + checksum.to_bytes(4, "little") + lengths + body


def speex(n_frames: int) -> bytes:
    numbers = (1, 80, RATE_HZ, 0, 4, 1, -1, FRAME_SAMPLES, 0, 1, 0, 0, 0)
    header = b"Speex   " + b"1.2".ljust(20, b"\0") + struct.pack("<13i", *numbers)
    random = np.random.default_rng(0)
    frames = [
        bytes([MODE_BITS | int(random.integers(8))]) + random.bytes(FRAME_BYTES - 1)
        for _ in range(n_frames)
    ]
    pages = [page(0, 0, FIRST, [header]), page(1, 0, 0, [bytes(8)])]
    for at in range(0, n_frames, 50):
        some = frames[at : at + 50]
        granule = FRAME_SAMPLES * (at + len(some))
        flags = LAST if at + 50 >= n_frames else 0
        pages.append(page(len(pages), granule, flags, some))
    return b"".join(pages)


def test_speex_is_read_to_its_end() -> None:
    clip = decode(speex(150), [RATE_HZ])
    assert (clip.format, clip.sample_rate_hz, clip.channels) == ("speex", RATE_HZ, 1)
    assert clip.duration_s == 3.0
    assert np.abs(clip.waveforms[RATE_HZ]).max() > 0.01
    assert not any(warning.startswith(("truncated", "damaged")) for warning in clip.warnings)


def test_joined_and_cut_off_speex_is_read_as_far_as_it_goes() -> None:
    data = speex(100)
    assert decode(data + data).duration_s == 4.0
    cut = decode(data[:-200])
    assert 0.9 < cut.duration_s < 2.0
    assert cut.warnings[0].startswith("truncated")


def test_speex_is_named_where_it_is_not_allowed() -> None:
    with pytest.raises(UnsupportedAudio, match=r"is Speex.*SERVICE_FORMATS"):
        openings_of(speex(10), [name for name in FORMATS if name != "speex"])
