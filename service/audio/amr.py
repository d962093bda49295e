"""Tell the frames of an AMR file, of which each stands for 20 ms; RFC 4867 defines them."""

import re

from service.audio.frames import Framing

MARK = b"#!AMR\n"
WIDE_MARK = b"#!AMR-WB\n"
FRAME_S = 0.02
# Bytes of a frame by its mode, with the one that tells the mode.
BYTES = (13, 14, 16, 18, 20, 21, 27, 32, 6, *[1] * 7)
WIDE_BYTES = (18, 24, 33, 37, 41, 47, 51, 59, 61, 6, *[1] * 6)

# The mode, whether the frame is intact, and zeros.
_START = re.compile(
    b"[" + b"".join(re.escape(bytes([m << 3 | q << 2])) for m in range(16) for q in (0, 1)) + b"]"
)


def _framing(sizes: tuple[int, ...], rate_hz: int) -> Framing:
    return Framing(
        _START,
        length=lambda data, at: sizes[data[at] >> 3],
        samples=lambda _data, _at: round(FRAME_S * rate_hz),
        rate_hz=lambda _data, _at: rate_hz,
    )


NARROW = _framing(BYTES, 8_000)
WIDE = _framing(WIDE_BYTES, 16_000)
