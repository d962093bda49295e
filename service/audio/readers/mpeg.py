"""Read MPEG audio (MP3 and MP2), cleaned of everything that would stop its decoder early."""

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain

from service.audio.icy import without_titles
from service.audio.mpeg import (
    HAS_BYTES,
    HAS_FRAMES,
    HEADER_BYTES,
    LAYER_3,
    MPEG_1,
    Kind,
    Part,
    Stream,
    frame_bytes,
    walk,
)
from service.audio.readers.chain import ChainSource, Piece
from service.audio.readers.source import Source, Unreadable
from service.audio.readers.spliced import Parts

# From frames of one kind, what is known of them, and the length in seconds that is stated.
PartOpening = Callable[[bytes | Parts, Part, float], Source]

# Of a frame that only states how many follow: a bit rate at which it has room for that in every
# kind of stream, and no checksum before it.
INFO_BIT_RATE = 9 << 4
NO_CHECKSUM = 1
CHECKSUM_BYTES = 2
MOST_PARTS = 1_000


def open_mpeg(data: bytes, begin: int, end: int, *, open_part: PartOpening) -> Source:
    """Open the frames between two places of a file.

    Parameters
    ----------
    data
        The file.
    begin, end
        Where to look for frames.
    open_part
        What opens the frames of one kind.

    Raises
    ------
    Unreadable
        There are none.
    """
    data, stream = _walked(data, begin, end)
    parts = [part for part in stream.parts if part.n_frames]
    if not parts:
        raise Unreadable("no frames of MPEG audio are in it")
    if len(parts) > 1:
        pieces = [
            Piece(partial(_opened, data, part, open_part), part.n_bytes)
            for part in parts[:MOST_PARTS]
        ]
        return ChainSource(pieces, damaged_s=stream.lost_s)
    source = _opened(data, parts[0], open_part)
    source.damaged_s = stream.lost_s
    return source


def _walked(data: bytes, begin: int, end: int) -> tuple[bytes, Stream]:
    stream = walk(data, begin, end)
    if stream.lost_bytes:
        audio_only = without_titles(data[:end], begin)
        if audio_only is not None:
            return audio_only, walk(audio_only)
    return data, stream


def _opened(data: bytes, part: Part, open_part: PartOpening) -> Source:
    return open_part(_counted(data, part), part, part.stated_s)


def _counted(data: bytes, part: Part) -> bytes | Parts:
    """Return the frames of a part, behind one that states their number."""
    view = memoryview(data)
    begin, end = part.spans[0][0], part.spans[-1][1]
    info = b""
    if part.info_at is not None:
        info_end = part.info_at + frame_bytes(data, part.info_at)
        if part.stated_frames == part.n_frames and len(part.spans) == 1 and info_end == begin:
            return data if (part.info_at, end) == (0, len(data)) else [view[part.info_at : end]]
        info = data[part.info_at : info_end]
    if part.kind.layer != LAYER_3:
        return [view[begin:end] for begin, end in part.spans]
    info = _stating(info or data[begin : begin + HEADER_BYTES], part)
    runs = (_settled(data, begin, end, part.kind) for begin, end in part.spans)
    return [info, *chain.from_iterable(runs)]


def _settled(data: bytes, begin: int, end: int, kind: Kind) -> Iterator[bytes | memoryview]:
    """Yield a run of frames, the first ones silent where their sound begins in lost frames.

    A frame's sound may begin up to 511 bytes before it. Of other bytes it would become a bang.
    """
    n_side = kind.info_offset - HEADER_BYTES
    at, n_known = begin, 0
    while at < end:
        side = at + HEADER_BYTES + (0 if data[at + 1] & NO_CHECKSUM else CHECKSUM_BYTES)
        # Where the sound begins is told by the first nine bits, or eight.
        begins = bytes([data[side], data[side + 1] & 0x80 if kind.version == MPEG_1 else 0])
        n_before = int.from_bytes(begins, "big") >> (7 if kind.version == MPEG_1 else 8)
        if n_before <= n_known:
            break
        behind, after = side + n_side, at + frame_bytes(data, at)
        yield data[at:side] + begins.ljust(n_side, b"\0") + data[behind:after]
        n_known += after - behind
        at = after
    yield memoryview(data)[at:end]


def _stating(frame: bytes, part: Part) -> bytes:
    """Return an encoder's frame, or a new one, with the number of frames and bytes that there are.

    What an encoder tells of its delay is kept where there is a place for the numbers.
    """
    at = part.kind.info_offset
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    if frame[at : at + 4] not in (b"Xing", b"Info") or not flags & HAS_FRAMES:
        head = bytes([0xFF, frame[1] | NO_CHECKSUM, frame[2] & 0x0C | INFO_BIT_RATE, frame[3]])
        frame = head.ljust(at, b"\0") + b"Xing" + HAS_FRAMES.to_bytes(4, "big") + bytes(4)
        frame = frame.ljust(frame_bytes(head, 0), b"\0")
        flags = HAS_FRAMES
    behind = at + 12
    numbers = part.n_frames.to_bytes(4, "big")
    if flags & HAS_BYTES:
        numbers += (len(frame) + part.n_bytes).to_bytes(4, "big")
        behind += 4
    return frame[: at + 8] + numbers + frame[behind:]
