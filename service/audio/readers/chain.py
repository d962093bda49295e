"""Read several recordings as one, each from where the one before ends."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import soxr

from service.audio.readers.source import Opening, Samples, Source, Unreadable


@dataclass(frozen=True)
class Piece:
    """One of the recordings: what opens it, and how many bytes it has."""

    opening: Opening
    n_bytes: int


class ChainSource:
    """Several sources behind each other, in the form of the first.

    Parameters
    ----------
    pieces
        One that cannot be opened is left out, if another can; it counts as damage, as long as it
        would be at the bit rate of the others.
    damaged_s
        What is known to be missing between them.

    Raises
    ------
    Unreadable
        None of them can be opened.
    """

    def __init__(self, pieces: Sequence[Piece], *, damaged_s: float = 0.0) -> None:
        self._pieces = list(pieces)
        self._current_bytes = self._lost_bytes = self._read_bytes = 0
        self._read_s = 0.0
        self._current = self._next()
        self.format = self._current.format
        self.sample_rate_hz = self._current.sample_rate_hz
        self.channels = self._current.channels
        self.n_frames = 0
        self.stated_s = 0.0
        self.cut_off = False
        self.damaged_s = damaged_s

    def seek(self, frame: int) -> int:
        """Go to a sample, over those sources whose lengths are known and whose rate is the first's.

        Where that does not lead, stay at the beginning of a source before it.
        """
        at = 0
        while self._current.sample_rate_hz == self.sample_rate_hz:
            source = self._current
            if not 0 < source.n_frames <= frame - at:
                return at + source.seek(frame - at)
            try:
                following = self._next()
            except Unreadable:
                return at + source.seek(frame - at)
            source.close()
            self._current = following
            self._lost_bytes = 0  # it lies before what is heard
            at += source.n_frames
        return at

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples of all, one after the other."""
        while True:
            source, n_bytes = self._current, self._current_bytes
            yield from self._conformed(source)
            self._read_bytes += n_bytes
            self.damaged_s += source.damaged_s
            self.cut_off |= source.cut_off
            source.close()
            try:
                self._current = self._next()
            except Unreadable:
                return
            finally:
                self._count_lost()

    def close(self) -> None:
        """Let go of the file."""
        self._current.close()

    def _next(self) -> Source:
        reason = "nothing follows"
        while self._pieces:
            piece = self._pieces.pop(0)
            try:
                source = piece.opening()
            except Unreadable as problem:
                reason = str(problem)  # not the problem itself, which would hold the upload
                self._lost_bytes += piece.n_bytes
            else:
                self._current_bytes = piece.n_bytes
                return source
        raise Unreadable(reason)

    def _count_lost(self) -> None:
        """Tell how long what could not be opened would have played."""
        self.damaged_s += self._lost_bytes * self._read_s / max(self._read_bytes, 1)
        self._lost_bytes = 0

    def _conformed(self, source: Source) -> Iterator[Samples]:
        """Yield a source's samples at the rate and with the channels of the first."""
        stream = None
        if source.sample_rate_hz != self.sample_rate_hz:
            stream = soxr.ResampleStream(source.sample_rate_hz, self.sample_rate_hz, self.channels)
        for block in source.blocks():
            self._read_s += len(block) / source.sample_rate_hz
            samples = self._mixed(block)
            yield samples if stream is None else stream.resample_chunk(samples)
        if stream is not None:
            yield stream.resample_chunk(np.zeros((0, self.channels), np.float32), last=True)

    def _mixed(self, block: Samples) -> Samples:
        channels = block.shape[1]
        if channels == self.channels:
            return block
        mix = np.full((channels, self.channels), 1 / channels, dtype=np.float32)
        return block @ mix
