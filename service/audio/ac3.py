"""Tell the frames of an AC-3 or Enhanced AC-3 stream; ETSI TS 102 366 defines them."""

import re

from service.audio.frames import Framing

RATES_HZ = (48_000, 44_100, 32_000)
KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
FRAME_SAMPLES = 1_536
BLOCK_SAMPLES = 256
BLOCKS = (1, 2, 3, 6)
HEADER_BYTES = 6
PLAIN_UP_TO, ENHANCED_UP_TO = 10, 16  # numbers of the bit stream's syntax
DEPENDENT = 1  # the kind of frame that adds channels to the one before it


def is_enhanced(data: bytes, at: int = 0) -> bool:
    """Tell whether the frame at a place is of Enhanced AC-3."""
    return data[at + 5 : at + 6] > bytes([PLAIN_UP_TO << 3 | 7])


def _length(data: bytes, at: int) -> int:
    if at + HEADER_BYTES > len(data) or data[at + 5] >> 3 > ENHANCED_UP_TO:
        return 0
    if is_enhanced(data, at):
        return 2 * (1 + (int.from_bytes(data[at + 2 : at + 4], "big") & 0x7FF))
    rate, size = data[at + 4] >> 6, data[at + 4] & 0x3F
    if rate == len(RATES_HZ) or size >= 2 * len(KBPS):
        return 0
    words = FRAME_SAMPLES * 1_000 * KBPS[size >> 1] // 16 // RATES_HZ[rate]
    return 2 * (words + (size & 1 if RATES_HZ[rate] == 44_100 else 0))


def _samples(data: bytes, at: int) -> int:
    if not is_enhanced(data, at):
        return FRAME_SAMPLES
    if data[at + 2] >> 6 == DEPENDENT:
        return 0
    return BLOCK_SAMPLES * (6 if data[at + 4] >> 6 == 3 else BLOCKS[data[at + 4] >> 4 & 3])


def _rate_hz(data: bytes, at: int) -> int:
    rate = data[at + 4] >> 6
    if rate < len(RATES_HZ):
        return RATES_HZ[rate]
    return RATES_HZ[min(data[at + 4] >> 4 & 3, 2)] // 2


AC3 = Framing(re.compile(rb"\x0bw[\x00-\xff]{4}", re.DOTALL), _length, _samples, _rate_hz)
