"""Walk the frames of a stream that has no header, such as AAC and AC-3 as radio stations send it.

Each frame says itself how long it is, so what lies between them (tags, junk, holes) is left
out, and where a time lies is known without decoding what comes before.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from service.audio.looking import SURE_FRAMES, after_run, first_sure


@dataclass(frozen=True)
class Framing:
    """How the frames of a kind of stream are told.

    Attributes
    ----------
    start
        What the header of a frame looks like.
    length
        From the stream and where a frame begins to its length in bytes; 0 where there is none.
    samples
        From the same to the samples of one channel in the frame.
    rate_hz
        From the same to the sampling rate; 0 where the header does not tell.
    """

    start: re.Pattern[bytes]
    length: Callable[[bytes, int], int]
    samples: Callable[[bytes, int], int]
    rate_hz: Callable[[bytes, int], int]


@dataclass
class Frames:
    """The frames of a stream.

    Attributes
    ----------
    rate_hz
        Sampling rate that the first frame states; 0 where it does not.
    starts, ends
        In the file, where each frame begins and ends.
    n_before
        Samples in all frames before each.
    n_samples
        Samples in all frames.
    lost_bytes
        Of what is neither a frame nor a tag, between the first frame and the last.
    """

    rate_hz: int
    starts: list[int] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    n_before: list[int] = field(default_factory=list)
    n_samples: int = 0
    lost_bytes: int = 0

    @property
    def lost_s(self) -> float:
        """How long what is lost would have played, at the bit rate of the rest."""
        if not self.rate_hz:
            return 0.0
        n_bytes = sum(self.ends) - sum(self.starts)
        return self.lost_bytes * self.n_samples / self.rate_hz / max(n_bytes, 1)

    def joined(self, data: bytes, first: int = 0) -> bytes:
        """Return the frames from one on, without what lies between them."""
        runs: list[list[int]] = []
        for start, end in zip(self.starts[first:], self.ends[first:], strict=True):
            if runs and runs[-1][1] == start:
                runs[-1][1] = end
            else:
                runs.append([start, end])
        if runs == [[0, len(data)]]:
            return data
        return b"".join(data[start:end] for start, end in runs)


def find_frame(data: bytes, at: int, end: int, framing: Framing) -> int | None:
    """Return where the first of several frames in a row begins, at or after a place."""
    starts = framing.start.finditer(data, at, end)
    return first_sure(starts, lambda start: _is_sure(data, start, end, framing))


def walk(data: bytes, at: int, end: int, framing: Framing) -> Frames:
    """Find all frames between two places of a file."""
    frames = Frames(rate_hz=0)
    while at < end:
        found = find_frame(data, at, end, framing)
        if found is None:
            break
        if frames.starts and found > at:
            # Where no frame follows, the one before is not as long as it says: it is damaged.
            frames.lost_bytes += found - at + _drop_last(frames)
        frames.rate_hz = frames.rate_hz or framing.rate_hz(data, found)
        behind = _take_run(data, found, end, framing, frames)
        at = after_run(data, behind, end)
    return frames


def _is_sure(data: bytes, at: int, end: int, framing: Framing) -> bool:
    rate_hz = framing.rate_hz(data, at) if at + SURE_FRAMES < len(data) else 0
    for _ in range(SURE_FRAMES):
        length = framing.length(data, at) if framing.start.match(data, at) else 0
        if not length or framing.rate_hz(data, at) != rate_hz:
            return False
        at += length
        if at >= end:
            return at == end
    return True


def _take_run(data: bytes, at: int, end: int, framing: Framing, frames: Frames) -> int:
    """Add the frames that follow each other from a place on; return where they end."""
    while at < end and framing.start.match(data, at):
        length = framing.length(data, at)
        if not length:
            break
        if at + length > end:
            return end  # cut off: nothing of this frame can be heard
        frames.starts.append(at)
        frames.n_before.append(frames.n_samples)
        frames.n_samples += framing.samples(data, at)
        at += length
        frames.ends.append(at)
    return at


def _drop_last(frames: Frames) -> int:
    """Leave out the last frame; return its length."""
    frames.n_samples = frames.n_before.pop()
    return frames.ends.pop() - frames.starts.pop()
