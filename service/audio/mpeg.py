"""Walk the frames of an MPEG audio stream (layers I to III: MP3 and its forerunners).

Decoders estimate the length of a stream from its first frames, and stop there. The frames
say themselves where each ends, so they are counted, and what lies between them (tags, junk,
titles of radio stations, holes) is left out. ISO/IEC 11172-3 and 13818-3 define the header.
"""

import re
from dataclasses import dataclass, field

from service.audio.looking import SURE_FRAMES, after_run, first_sure
from service.audio.quality import COMPLETE_SHARE

HEADER_BYTES = 4
LAYER_1, LAYER_2, LAYER_3 = 3, 2, 1  # as the two bits of the header have them
HAS_FRAMES, HAS_BYTES = 1, 2  # flags of what an encoder's frame states
# By the two bits of the version: MPEG 2.5, reserved, 2 and 1.
RATES_HZ = ((11_025, 12_000, 8_000), (), (22_050, 24_000, 16_000), (44_100, 48_000, 32_000))
MPEG_1 = 3
# By whether it is version 1, and the layer: kbit/s of the indices 1 to 14.
_LOW_KBPS = (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
KBPS = {
    (True, LAYER_3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, LAYER_2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, LAYER_1): tuple(range(32, 449, 32)),
    (False, LAYER_3): _LOW_KBPS,
    (False, LAYER_2): _LOW_KBPS,
    (False, LAYER_1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
}
MOST_FRAME_BYTES = 2_881  # 160 kbit/s at 8 kHz
SURE_BYTES = SURE_FRAMES * MOST_FRAME_BYTES

# Everything that can be told from three bytes: sync, version, layer, bit rate, sampling rate.
_START = re.compile(
    rb"\xff[\xe2-\xe7\xf2-\xf7\xfa-\xff]["
    + b"".join(re.escape(bytes([b])) for b in range(0x10, 0xF0) if b & 0x0C != 0x0C)
    + rb"]"
)


@dataclass(frozen=True)
class Kind:
    """What all frames of one stream share: the two bits of version and layer, rate, mono or not."""

    version: int
    layer: int
    rate_hz: int
    mono: bool

    @property
    def samples(self) -> int:
        """Samples in a frame."""
        if self.layer == LAYER_3:
            return 1152 if self.version == MPEG_1 else 576
        return 1152 if self.layer == LAYER_2 else 384

    @property
    def info_offset(self) -> int:
        """Where in a frame an encoder states the number of frames: behind the side information."""
        stereo, mono = (32, 17) if self.version == MPEG_1 else (17, 9)
        return HEADER_BYTES + (mono if self.mono else stereo)


@dataclass
class Part:
    """Frames of one kind, with what one frame says of their number.

    Attributes
    ----------
    spans
        Where each run of adjacent frames begins and ends.
    last_bytes
        Length of the last frame of the last run.
    info_at
        Where the frame lies that states the number, before the first of the others; None if none.
    stated_frames, stated_bytes
        The numbers that it states, of frames and of the bytes of them and itself; 0 if none.
    """

    kind: Kind
    spans: list[tuple[int, int]] = field(default_factory=list)
    n_frames: int = 0
    last_bytes: int = 0
    info_at: int | None = None
    stated_frames: int = 0
    stated_bytes: int = 0

    def drop_last(self) -> int:
        """Leave out the last frame of the last run, if there is one; return its length."""
        if not self.last_bytes:
            return 0
        begin, end = self.spans.pop()
        if end - self.last_bytes > begin:
            self.spans.append((begin, end - self.last_bytes))
        dropped, self.last_bytes = self.last_bytes, 0
        self.n_frames -= 1
        return dropped

    @property
    def n_bytes(self) -> int:
        """Bytes of all frames."""
        return sum(end - begin for begin, end in self.spans)

    @property
    def stated_s(self) -> float:
        """How long all frames play that are stated; 0 if none, or if their number is wrong.

        It is where all bytes are there that are stated beside it.
        """
        if 0 < self.stated_bytes * COMPLETE_SHARE <= self.n_bytes:
            return 0.0
        return self.stated_frames * self.kind.samples / self.kind.rate_hz

    @property
    def duration_s(self) -> float:
        """How long the frames play."""
        return self.n_frames * self.kind.samples / self.kind.rate_hz


@dataclass
class Stream:
    """All frames of a file, and the bytes between them that are neither frames nor tags."""

    parts: list[Part] = field(default_factory=list)
    lost_bytes: int = 0

    @property
    def lost_s(self) -> float:
        """How long what is lost would have played, at the bit rate of the rest."""
        n_bytes = sum(part.n_bytes for part in self.parts)
        return self.lost_bytes * sum(part.duration_s for part in self.parts) / max(n_bytes, 1)


def find_frame(data: bytes, at: int = 0, end: int | None = None) -> int | None:
    """Return where the first of several frames in a row begins, at or after a place."""
    end = len(data) if end is None else end
    starts = _START.finditer(data, at, end)
    return first_sure(starts, lambda start: _is_sure(data, start, end))


def begins_at(data: bytes, at: int) -> bool:
    """Tell whether several frames in a row begin at a place."""
    return _is_sure(data, at, at + SURE_BYTES)


def walk(data: bytes, at: int = 0, end: int | None = None) -> Stream:
    """Find all frames between two places of a file."""
    end = len(data) if end is None else end
    stream = Stream()
    while at < end:
        frame = find_frame(data, at, end)
        if frame is None:
            break
        if stream.parts and frame > at:
            # Where no frame follows, the one before is not as long as it says: it is damaged.
            stream.lost_bytes += frame - at + stream.parts[-1].drop_last()
        behind = _take_run(data, frame, end, stream)
        at = after_run(data, behind, end)
    return stream


def frame_bytes(data: bytes, at: int) -> int:
    """Return the length of the frame whose header lies at a place; 0 where there is none."""
    if not _START.match(data, at):
        return 0
    kind, padding = _kind(data, at), data[at + 2] >> 1 & 1
    kbps = KBPS[kind.version == MPEG_1, kind.layer][(data[at + 2] >> 4) - 1]
    if kind.layer == LAYER_1:
        return 4 * (12_000 * kbps // kind.rate_hz + padding)
    return kind.samples // 8 * 1000 * kbps // kind.rate_hz + padding


def is_forerunner(data: bytes, at: int) -> bool:
    """Tell whether the frame at a place is of layer I or II, not of MP3."""
    return _kind(data, at).layer != LAYER_3


def _kind(data: bytes, at: int) -> Kind:
    version, layer = data[at + 1] >> 3 & 3, data[at + 1] >> 1 & 3
    rate_hz = RATES_HZ[version][data[at + 2] >> 2 & 3]
    return Kind(version, layer, rate_hz, mono=data[at + 3 : at + 4] >= b"\xc0")


def _is_sure(data: bytes, at: int, end: int) -> bool:
    """Tell whether frames of one kind follow each other from a place on."""
    kind = None
    for _ in range(SURE_FRAMES):
        length = frame_bytes(data, at)
        if not length or (kind is not None and _kind(data, at) != kind):
            return False
        kind = _kind(data, at)
        at += length
        if at >= end:
            return at == end
    return True


def _take_run(data: bytes, at: int, end: int, stream: Stream) -> int:
    """Add the frames that follow each other from a place on; return where they end."""
    kind = _kind(data, at)
    if not stream.parts or stream.parts[-1].kind != kind:
        stream.parts.append(Part(kind))
    part = stream.parts[-1]
    stated = _stated(data, at, kind)
    if stated is not None:
        if not part.spans and part.info_at is None:
            part.info_at, part.stated_frames, part.stated_bytes = at, *stated
        at += frame_bytes(data, at)
    begin = last = at
    lengths: dict[bytes, int] = {}
    # Few headers differ, and a dictionary knows them faster than their bits are read.
    while length := _length(data, at, kind, lengths):
        if at + length > end:
            at = end  # cut off: nothing of this frame can be heard
            break
        at += length
        part.n_frames += 1
        part.last_bytes = length
        last = at
    if last > begin:
        part.spans.append((begin, last))
    return at


def _length(data: bytes, at: int, kind: Kind, lengths: dict[bytes, int]) -> int:
    header = data[at : at + HEADER_BYTES]
    length = lengths.get(header)
    if length is None:
        is_one = len(header) == HEADER_BYTES and frame_bytes(data, at) and _kind(data, at) == kind
        length = lengths[header] = frame_bytes(data, at) if is_one else 0
    return length


def _stated(data: bytes, at: int, kind: Kind) -> tuple[int, int] | None:
    """Return how many frames and bytes an encoder's frame states; None for a frame of sound."""
    if kind.layer != LAYER_3:
        return None
    info = at + kind.info_offset
    if data[info : info + 4] in (b"Xing", b"Info"):
        flags = data[info + 7] if info + 7 < len(data) else 0
        numbers = [int.from_bytes(data[info + n : info + n + 4], "big") for n in (8, 12)]
        if not flags & HAS_FRAMES:
            return 0, 0
        return numbers[0], numbers[1] if flags & HAS_BYTES else 0
    if data[at + 36 : at + 40] == b"VBRI":
        n_bytes, n_frames = (int.from_bytes(data[at + n : at + n + 4], "big") for n in (46, 50))
        return n_frames, n_bytes
    return None
