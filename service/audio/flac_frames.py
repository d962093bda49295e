"""Decode FLAC without the beginning of its file: frames say themselves what they hold; RFC 9639."""

import re
from dataclasses import dataclass
from itertools import islice

from service.audio.flac import MARK
from service.audio.looking import first_sure

RATES_HZ = (
    *(0, 88_200, 176_400, 192_000, 8_000, 16_000, 22_050, 24_000),
    *(32_000, 44_100, 48_000, 96_000),
)
RATE_UNITS_HZ = {12: (1, 1_000), 13: (2, 1), 14: (2, 10)}  # bytes behind the number, and their unit
BITS = {1: 8, 2: 12, 4: 16, 5: 20, 6: 24, 7: 32}
MOST_CHANNEL_CODES = 11
LAST_BLOCK = 0x80  # of those in front of the frames
LEAST_SAMPLES, MOST_SAMPLES = 16, 65_535
NEXT_WITHIN_BYTES = 1 << 18
# Looked at before giving up: frames that none follows, and frames that may follow one.
MOST_ACCIDENTS = 2_000
MOST_FOLLOWING = 64
CRC_POLYNOMIAL = 0x07
START_BYTES = 4

_START = re.compile(rb"\xff[\xf8\xf9][\x11-\xfe][\x02-\xae]")


@dataclass(frozen=True)
class _Frame:
    """What the header of a frame tells."""

    samples: int
    rate_hz: int
    channels: int
    bits: int
    number: int
    is_fixed: bool

    def precedes(self, other: "_Frame | None") -> bool:
        """Tell whether another frame is the next one of the same stream."""
        if other is None:
            return False
        number = self.number + (1 if self.is_fixed else self.samples)
        alike = (other.rate_hz, other.channels, other.bits, other.number)
        return (self.rate_hz, self.channels, self.bits, number) == alike


def find_frame(data: bytes, at: int, end: int) -> int | None:
    """Return where the first frame begins, at or after a place, that another one follows."""
    starts = _START.finditer(data, at, end)
    return first_sure(starts, lambda start: _is_followed(data, start, end), MOST_ACCIDENTS)


def with_header(data: bytes, at: int) -> bytes:
    """Return the frames from a place on, behind a header made of what the first of them tells.

    Raises
    ------
    ValueError
        There is no frame at the place.
    """
    frame = _read(data, at)
    if frame is None:
        raise ValueError(f"no frame begins at byte {at}")
    least, most = (
        (frame.samples, frame.samples) if frame.is_fixed else (LEAST_SAMPLES, MOST_SAMPLES)
    )
    form = ((frame.rate_hz << 3 | frame.channels - 1) << 5 | frame.bits - 1) << 36
    told = least.to_bytes(2, "big") + most.to_bytes(2, "big") + bytes(6)
    told += form.to_bytes(8, "big") + bytes(16)
    return MARK + bytes([LAST_BLOCK]) + len(told).to_bytes(3, "big") + told + data[at:]


def _is_followed(data: bytes, at: int, end: int) -> bool:
    frame, behind = _read(data, at), at + START_BYTES
    if frame is None:
        return False
    places = _START.finditer(data, behind, min(behind + NEXT_WITHIN_BYTES, end))
    following = islice(places, MOST_FOLLOWING)
    return any(frame.precedes(_read(data, start.start())) for start in following)


def _read(data: bytes, at: int) -> _Frame | None:
    """Read the header of a frame; None where there is none, or it does not tell all."""
    samples_code, rate_code = data[at + 2] >> 4, data[at + 2] & 0xF
    channel_code, bits = data[at + 3] >> 4, BITS.get(data[at + 3] >> 1 & 7)
    number, behind = _coded_number(data, at + 4)
    if bits is None or channel_code >= MOST_CHANNEL_CODES or number < 0:
        return None
    samples, behind = _samples(data, behind, samples_code)
    if rate_code in RATE_UNITS_HZ:
        n_bytes, unit_hz = RATE_UNITS_HZ[rate_code]
        rate_hz = unit_hz * int.from_bytes(data[behind : behind + n_bytes], "big")
        behind += n_bytes
    else:
        rate_hz = RATES_HZ[rate_code] if rate_code < len(RATES_HZ) else 0
    if not rate_hz or not samples or data[behind : behind + 1] != _crc(data[at:behind]):
        return None
    channels = channel_code + 1 if channel_code < 8 else 2
    return _Frame(samples, rate_hz, channels, bits, number, is_fixed=data[at + 1] == 0xF8)


def _coded_number(data: bytes, at: int) -> tuple[int, int]:
    """Return a number in the coding of UTF-8, and where it ends; -1 where there is none."""
    first = data[at] if at < len(data) else 0xFF
    n_more = max(8 - (first ^ 0xFF).bit_length() - 1, 0)
    more = data[at + 1 : at + 1 + n_more]
    if first == 0xFF or 0x80 <= first < 0xC0 or any(byte >> 6 != 2 for byte in more):
        return -1, at
    number = first if n_more == 0 else first & (1 << 6 - n_more) - 1
    for byte in more:
        number = number << 6 | byte & 0x3F
    return number, at + 1 + n_more


def _samples(data: bytes, at: int, code: int) -> tuple[int, int]:
    """Return the samples of one channel in a frame, and where the header goes on."""
    if code in (6, 7):
        n_bytes = code - 5
        return int.from_bytes(data[at : at + n_bytes], "big") + 1, at + n_bytes
    if code >= 8:
        return 256 << code - 8, at
    return 192 if code == 1 else 576 << max(code - 2, 0), at


def _crc(header: bytes) -> bytes:
    crc = 0
    for byte in header:
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ CRC_POLYNOMIAL if crc & 0x80 else crc << 1) & 0xFF
    return bytes([crc])
