"""Find the first frame of an AAC stream; ISO/IEC 14496-3 calls its header ADTS."""

import re

HEADER_BYTES = 7
SURE_FRAMES = 3
MOST_ACCIDENTS = 100_000

# Sync, MPEG 2 or 4, layer 0, with or without a checksum, and one of the sampling rates.
_START = re.compile(rb"\xff[\xf0\xf1\xf8\xf9][\x00-\x33\x40-\x73\x80-\xb3\xc0-\xf3]")


def find_frame(data: bytes, at: int, end: int) -> int | None:
    """Return where the first of several frames in a row begins, at or after a place."""
    for accidents, start in enumerate(_START.finditer(data, at, end)):
        if _is_sure(data, start.start(), end):
            return start.start()
        if accidents == MOST_ACCIDENTS:
            break
    return None


def _is_sure(data: bytes, at: int, end: int) -> bool:
    for _ in range(SURE_FRAMES):
        if not _START.match(data, at):
            return False
        fields = int.from_bytes(data[at + 3 : at + 6], "big")
        length = fields >> 5 & 0x1FFF
        if length < HEADER_BYTES:
            return False
        at += length
        if at >= end:
            return at == end
    return True
