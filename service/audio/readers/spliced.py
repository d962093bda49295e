"""Read parts of an upload as one file, without a copy of them: the upload may be large."""

import io
from bisect import bisect_right
from collections.abc import Sequence
from itertools import accumulate

Parts = Sequence[bytes | memoryview]

# Decoders ask for a few bytes at a time, and a call of Python for each would take long.
READ_BYTES = 1 << 18


class Spliced(io.BufferedReader):
    """A file of parts that follow each other.

    Like the files of :mod:`service.audio.readers.sndfile`, it stays where it is when it is sent to
    before its beginning.
    """

    def __init__(self, parts: Parts) -> None:
        super().__init__(_Splice(parts), READ_BYTES)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go to a place, and return it."""
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


class _Splice(io.RawIOBase):
    def __init__(self, parts: Parts) -> None:
        self._parts = [memoryview(part) for part in parts]
        self._begins = list(accumulate((len(part) for part in parts), initial=0))
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._begins[-1]}[whence]
        if origin + offset < 0:
            raise ValueError("there is nothing before the beginning")
        self._at = origin + offset
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # as it is called
        number = bisect_right(self._begins, self._at) - 1
        if number == len(self._parts):
            return 0
        first = self._at - self._begins[number]
        some = self._parts[number][first : first + len(buffer)]
        buffer[: len(some)] = some
        self._at += len(some)
        return len(some)
