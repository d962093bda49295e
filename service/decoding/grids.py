"""Decode uploads to the feature grids that bundles need, block by block."""

import time
from collections.abc import Iterable

from service.audio.decode import Clip, Limits, Samples, hear_plain
from service.audio.excerpt import Excerpt
from service.deadline import Deadline
from service.decoding.pool import DecoderPool
from service.inference.bundle import Bundle
from service.inference.grids import Grids, Heard
from service.inference.timings import Timings


def decode_grids(
    decoders: DecoderPool,
    data: bytes | bytearray,
    bundles: Iterable[Bundle],
    limits: Limits,
    deadline: Deadline,
    timings: Timings,
    excerpt: Excerpt | None = None,
) -> tuple[Clip, Heard]:
    """Return what is to say about an audio file, and its grids for some bundles.

    While a decoder decodes a block, the features of the one before are computed here: that time is
    told as theirs, and all other as that of decoding. A WAV of plain samples is read here: to send
    its many bytes to a decoder, which has nothing to decode, takes as long as the rest of it.

    Raises
    ------
    ServiceError
        As of :meth:`service.decoding.pool.DecoderPool.decode`.
    """
    listening = Grids(bundles)
    began_s = time.perf_counter()
    try:
        clip = hear_plain(data, _Timely(listening, deadline), limits, excerpt)
        if clip is None:
            clip = decoders.decode(data, listening, limits, deadline, excerpt)
    finally:
        decoding_s = time.perf_counter() - began_s - listening.seconds
        timings.add("decode", decoding_s, began_s)
    grids = listening.end(clip.gain)
    timings.add("features", listening.seconds)
    return clip, grids


class _Timely:
    """Listens until the deadline: what is read here cannot be killed, as a decoder can."""

    def __init__(self, listening: Grids, deadline: Deadline) -> None:
        self.rates_hz = listening.rates_hz
        self.begin = listening.begin
        self._listening = listening
        self._deadline = deadline

    def add(self, rate_hz: int, samples: Samples) -> None:
        if self._deadline.remaining_s == 0:
            raise self._deadline.exceeded()
        self._listening.add(rate_hz, samples)
