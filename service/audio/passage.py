"""The part of a recording that is heard, while it is read."""

from collections.abc import Iterator

from service.audio.excerpt import Excerpt
from service.audio.quality import Loss
from service.audio.readers.source import Samples, Source


class Passage:
    """The part of a recording that is heard.

    Attributes
    ----------
    read_s
        How far the recording was read, in seconds from its beginning.
    """

    def __init__(self, source: Source, excerpt: Excerpt) -> None:
        self.source = source
        self.read_s = 0.0
        self._excerpt = excerpt

    def blocks(self) -> Iterator[Samples]:
        """Yield its samples, shape [n_samples, channels], in blocks of which none is empty."""
        rate_hz = self.source.sample_rate_hz
        begin, duration_s = round(self._excerpt.start_s * rate_hz), self._excerpt.duration_s
        n_left = None if duration_s is None else round(duration_s * rate_hz)
        at = self.source.seek(begin) if begin else 0
        self.read_s = at / rate_hz
        for whole in self.source.blocks():
            block = whole[min(max(begin - at, 0), len(whole)) :]
            at += len(whole)
            self.read_s = at / rate_hz
            if n_left is not None:
                block = block[:n_left]
                n_left -= len(block)
            if len(block):
                yield block
            if n_left == 0:
                return

    def loss(self, heard_s: float) -> Loss:
        """Return what is missing of it, of which so much was heard."""
        source, duration_s = self.source, self._excerpt.duration_s
        stated_s = max(source.stated_s - self._excerpt.start_s, 0.0)
        if duration_s is None:
            return Loss(stated_s, source.damaged_s, source.cut_off)
        complete = heard_s >= duration_s - 1 / source.sample_rate_hz  # a frame less when rounded
        return Loss(min(stated_s, duration_s), source.damaged_s, source.cut_off and not complete)
