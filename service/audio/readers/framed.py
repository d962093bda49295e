"""Read a stream of frames without a header, cleaned of what is between them."""

from bisect import bisect_right
from collections.abc import Callable, Iterator

from service.audio.frames import Frames
from service.audio.readers.source import Samples, Source, Unreadable

# Frames that a decoder needs to hear before it is right.
PREROLL_FRAMES = 4


class FramedSource:
    """A stream of frames; see :class:`service.audio.readers.source.Source`.

    A place in it is found by counting frames, of which each stands for the same time.

    Parameters
    ----------
    data
        The file.
    frames
        Where the frames lie.
    open_frames
        What opens frames that follow each other.
    mark
        What stands before the first of them.

    Raises
    ------
    Unreadable
        There are none, or nothing can be made of them.
    """

    def __init__(
        self,
        data: bytes,
        frames: Frames,
        open_frames: Callable[[bytes], Source],
        mark: bytes = b"",
    ) -> None:
        if not frames.starts:
            raise Unreadable("there is no whole frame in it")
        self._data, self._frames, self._open_frames, self._mark = data, frames, open_frames, mark
        self._source = self._from_frame(0)
        self.format = self._source.format
        self.sample_rate_hz = self._source.sample_rate_hz
        self.channels = self._source.channels
        self.n_frames = 0
        self.stated_s = 0.0
        self.cut_off = False
        self.damaged_s = 0.0

    def seek(self, frame: int) -> int:
        """Go to shortly before a sample; the beginning, where frames do not tell their rate."""
        if not self._frames.rate_hz:
            return 0
        rate_ratio = self.sample_rate_hz / self._frames.rate_hz  # 2 for HE-AAC
        before = [round(n * rate_ratio) for n in self._frames.n_before]
        found = bisect_right(before, frame) - 1
        first = max(found - PREROLL_FRAMES, 0)
        self._source.close()
        self._source = self._from_frame(first)
        return before[first]

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples from there to the end."""
        yield from self._source.blocks()
        self.damaged_s = self._frames.lost_s + self._source.damaged_s
        self.cut_off |= self._source.cut_off

    def close(self) -> None:
        """Let go of the file."""
        self._source.close()

    def _from_frame(self, first: int) -> Source:
        content = self._frames.joined(self._data, first)
        return self._open_frames(self._mark + content if self._mark else content)
