"""Find MP3 frames of a free bit rate, whose headers do not tell how long they are.

All frames of such a stream have one length, to a byte of padding, so it is the distance between
two headers.
"""

import re

from service.audio.looking import first_sure
from service.audio.mpeg import HEADER_BYTES

MOST_FRAME_BYTES = 4_096
SURE_FRAMES = 4
MOST_ACCIDENTS = 500
PADDING = 2  # a bit of the header's third byte
# Layer III, and no bit rate with one of the sampling rates.
_START = re.compile(rb"\xff[\xe2\xe3\xf2\xf3\xfa\xfb][\x00-\x0b]")


def find_frame(data: bytes, at: int, end: int) -> int | None:
    """Return where the first of several frames in a row begins, at or after a place."""
    starts = _START.finditer(data, at, end)
    return first_sure(starts, lambda start: _is_sure(data, start, end), MOST_ACCIDENTS)


def _is_sure(data: bytes, at: int, end: int) -> bool:
    head = data[at : at + 2]
    following = data.find(head, at + HEADER_BYTES, min(at + MOST_FRAME_BYTES, end))
    while following >= 0:
        if _continues(data, at, following - at - _padding(data, at), end):
            return True
        following = data.find(head, following + 1, min(at + MOST_FRAME_BYTES, end))
    return False


def _continues(data: bytes, at: int, length: int, end: int) -> bool:
    """Tell whether frames of a length, without padding, follow each other from a place on."""
    alike = data[at : at + 2], data[at + 2] & ~(PADDING | 1)
    for _ in range(SURE_FRAMES):
        if at + HEADER_BYTES > end or (data[at : at + 2], data[at + 2] & ~(PADDING | 1)) != alike:
            return False
        at += length + _padding(data, at)
    return True


def _padding(data: bytes, at: int) -> int:
    return data[at + 2] >> 1 & 1
