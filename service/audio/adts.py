"""Tell the frames of an AAC stream; ISO/IEC 14496-3 calls their headers ADTS, and LOAS."""

import re

from service.audio.frames import Framing

HEADER_BYTES = 7
BLOCK_SAMPLES = 1_024
LOAS_HEADER_BYTES = 3
# By the index in the header.
RATES_HZ = (
    *(96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000),
    *(11_025, 8_000, 7_350),
)

# Sync, MPEG 2 or 4, layer 0, with or without a checksum, and one of the sampling rates.
_START = re.compile(rb"\xff[\xf0\xf1\xf8\xf9][\x00-\x33\x40-\x73\x80-\xb3\xc0-\xf3]")


def _length(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at + 3 : at + 6], "big") >> 5 & 0x1FFF
    return length if length >= HEADER_BYTES else 0


def _samples(data: bytes, at: int) -> int:
    return BLOCK_SAMPLES * (1 + (data[at + 6] & 3))


def _rate_hz(data: bytes, at: int) -> int:
    return RATES_HZ[data[at + 2] >> 2 & 0xF]


def _loas_length(data: bytes, at: int) -> int:
    length = int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF
    return LOAS_HEADER_BYTES + length if length else 0


# Of the second kind, the rate stands somewhere within the bits of a frame.
ADTS = Framing(_START, _length, _samples, _rate_hz)
LOAS = Framing(
    re.compile(rb"\x56[\xe0-\xff]"),
    _loas_length,
    samples=lambda _data, _at: BLOCK_SAMPLES,
    rate_hz=lambda _data, _at: 0,
)
