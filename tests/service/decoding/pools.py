"""Decode with a pool as tests do it."""

from collections.abc import Collection
from dataclasses import replace

from service.audio.decode import Clip, Limits, Waveforms
from service.audio.excerpt import Excerpt
from service.deadline import Deadline
from service.decoding.pool import DecoderPool
from tests.audio import encode, tone

SOON_S = 30.0
CLIP = encode(tone())


def soon() -> Deadline:
    return Deadline.within(SOON_S)


def decoded(
    pool: DecoderPool,
    data: bytes,
    rates_hz: Collection[int] = (),
    limits: Limits | None = None,
    deadline: Deadline | None = None,
    excerpt: Excerpt | None = None,
) -> Clip:
    """Decode in a process of the pool as :func:`service.audio.decode.decode` does here."""
    waveforms = Waveforms(rates_hz)
    clip = pool.decode(data, waveforms, limits or Limits(), deadline or soon(), excerpt)
    return replace(clip, waveforms=waveforms.end(clip.gain))
