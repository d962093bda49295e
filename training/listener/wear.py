"""What a recording may go through before somebody hears it: a room, and a lossy codec.

A service is sent MP3s and takes of a telephone as often as masters. Teachers know many
of those, so the student can learn what they make of them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, cast

import av
import numpy as np
import soxr
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.packet import Packet
from numpy.random import Generator

from training.listener.recordings import RATE_HZ, Samples
from training.synthesis.room import echoes

ROOM_TAIL_S = 1.0
SLOWEST_DECAY_S = 0.3
"""Falls by 60 dB in 2 s, as a hall does."""

ROOM_SHARES = (0.1, 0.7)
"""How much of the sound comes from the walls, in amplitude."""

LOUDEST = 0.9
"""What is encoded peaks here: codecs clip what is louder than full scale."""


@dataclass(frozen=True)
class Codec:
    """A lossy codec, in FFmpeg's words.

    Attributes
    ----------
    encoder, decoder
        Their names.
    sample_format
        Of the samples that the encoder takes.
    rates_kbps
        Lowest and highest bit rate of one channel.
    rate_hz
        Sampling rate.
    options
        What makes the encoder fast.
    """

    encoder: str
    decoder: str
    sample_format: str
    rates_kbps: tuple[int, int]
    rate_hz: int
    options: tuple[tuple[str, str], ...]


CODECS = (
    Codec("libmp3lame", "mp3float", "fltp", (24, 128), RATE_HZ, (("compression_level", "9"),)),
    Codec("aac", "aac", "fltp", (16, 128), RATE_HZ, (("aac_coder", "fast"),)),
    Codec("libopus", "opus", "flt", (8, 96), 48_000, (("compression_level", "0"),)),
)


@dataclass(frozen=True)
class Wear:
    """Which share of the pieces goes through what; of nothing, nothing is drawn.

    Attributes
    ----------
    codecs, rooms
        From 0 to 1.
    """

    codecs: float = 0.0
    rooms: float = 0.0

    def __bool__(self) -> bool:
        """Whether any piece goes through anything."""
        return self.codecs > 0 or self.rooms > 0

    def in_room(self, samples: Samples, rng: Generator) -> Samples:
        """Play a waveform at ``RATE_HZ`` in a random room, or leave it as it is."""
        if not (self.rooms and rng.random() < self.rooms):
            return samples
        wet = echoes(
            samples.astype(np.float64),
            RATE_HZ,
            rng,
            tail_s=ROOM_TAIL_S,
            slowest_decay_s=SLOWEST_DECAY_S,
        )
        share = rng.uniform(*ROOM_SHARES)
        return ((1 - share) * samples + share * wet).astype(np.float32)

    def encoded(self, samples: Samples, rng: Generator) -> Samples:
        """Send a waveform at ``RATE_HZ`` through a random codec, or leave it as it is."""
        if not (self.codecs and rng.random() < self.codecs):
            return samples
        codec = CODECS[int(rng.integers(len(CODECS)))]
        lowest, highest = np.log2(codec.rates_kbps)
        kbps = round(2 ** rng.uniform(lowest, highest))
        gain = np.float32(LOUDEST / max(float(np.abs(samples).max(initial=0.0)), 1e-9))
        return through(codec, samples * gain, kbps) / gain


def through(codec: Codec, samples: Samples, kbps: int) -> Samples:
    """Return a mono waveform at ``RATE_HZ``, encoded at a bit rate and decoded; of its length."""
    x = samples
    if codec.rate_hz != RATE_HZ:
        x = soxr.resample(x, RATE_HZ, codec.rate_hz, quality="LQ")
    encoder = _context(codec.encoder, "w", codec.rate_hz)
    encoder.bit_rate = kbps * 1_000
    encoder.format = codec.sample_format
    encoder.options = dict(codec.options)
    encoder.open()
    packets = [packet for frame in _frames(x, encoder) for packet in encoder.encode(frame)]
    decoder = _context(codec.decoder, "r", codec.rate_hz)
    decoder.extradata = encoder.extradata
    y = np.concatenate(list(_decoded(decoder, packets)))
    if codec.rate_hz != RATE_HZ:
        y = soxr.resample(y, codec.rate_hz, RATE_HZ, quality="LQ")
    heard = y[: len(samples)]
    return np.pad(heard, (0, len(samples) - len(heard))).astype(np.float32)


def _context(name: str, mode: Literal["r", "w"], rate_hz: int) -> AudioCodecContext:
    context = cast(AudioCodecContext, av.CodecContext.create(name, mode))
    context.sample_rate, context.layout = rate_hz, "mono"
    return context


def _frames(x: Samples, encoder: AudioCodecContext) -> Iterator[AudioFrame | None]:
    """Yield what an encoder takes at once, then None for the end."""
    size = encoder.frame_size
    padded = np.pad(x, (0, -len(x) % size)).astype(np.float32)
    for start in range(0, len(padded), size):
        frame = AudioFrame.from_ndarray(
            padded[None, start : start + size], format=encoder.format.name, layout="mono"
        )
        frame.sample_rate, frame.pts = encoder.sample_rate, start
        yield frame
    yield None


def _decoded(
    decoder: AudioCodecContext,
    packets: "Sequence[Packet[AudioStream]]",  # generic for a type checker alone
) -> Iterator[Samples]:
    for packet in [*packets, None]:
        for frame in decoder.decode(packet):
            yield frame.to_ndarray()[0]
