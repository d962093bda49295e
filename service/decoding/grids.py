"""Decode uploads to the feature grids that bundles need, block by block."""

import time
from collections.abc import Iterable

from service.audio.decode import Clip, Limits
from service.audio.excerpt import Excerpt
from service.deadline import Deadline
from service.decoding.pool import DecoderPool
from service.inference.bundle import Bundle
from service.inference.features import Grid
from service.inference.grids import GridKey, Grids
from service.inference.timings import Timings


def decode_grids(
    decoders: DecoderPool,
    data: bytes | bytearray,
    bundles: Iterable[Bundle],
    limits: Limits,
    deadline: Deadline,
    timings: Timings,
    excerpt: Excerpt | None = None,
) -> tuple[Clip, dict[GridKey, Grid]]:
    """Return what is to say about an audio file, and its grids for some bundles.

    While a decoder decodes a block, the features of the one before are computed here: that time is
    told as theirs, and all other as that of decoding.

    Raises
    ------
    ServiceError
        As of :meth:`service.decoding.pool.DecoderPool.decode`.
    """
    listening = Grids(bundles)
    began_s = time.perf_counter()
    try:
        clip = decoders.decode(data, listening, limits, deadline, excerpt)
    finally:
        decoding_s = time.perf_counter() - began_s - listening.seconds
        timings.add("decode", decoding_s, began_s)
    grids = listening.end(clip.gain)
    timings.add("features", listening.seconds)
    return clip, grids
