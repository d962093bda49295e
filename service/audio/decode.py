"""Decode an upload to mono at the sampling rates that are asked for, within limits.

Readers (see :mod:`service.audio.readers`) turn the bytes in memory into samples. A header can
lie about the length, so the samples are counted while they are decoded and never trusted
beforehand. A small upload can hold minutes of silence at hundreds of kHz, so each block is
mixed, resampled and passed on to a listener as soon as it is decoded: no recording is in memory
whole, unless the listener keeps it.
"""

from collections.abc import Collection
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np

from service.audio.excerpt import Excerpt
from service.audio.formats import FORMATS
from service.audio.limits import Limits, check_form, check_length
from service.audio.passage import Passage
from service.audio.quality import Levels, Loss, quality_warnings
from service.audio.readers.opening import openings_of
from service.audio.readers.pcm import open_plain
from service.audio.readers.source import Opening, Samples, Unreadable
from service.audio.recording import Listener, Recording, Waveforms
from service.errors import TooManySeconds, UnusableAudio

__all__ = [
    "Clip",
    "Limits",
    "Listener",
    "Samples",
    "Waveforms",
    "clip_of",
    "decode",
    "hear",
    "hear_plain",
]

LARGEST_SAMPLE = 1e12  # the power of anything larger overflows in single precision


@dataclass(frozen=True)
class Clip:
    """One decoded recording.

    Attributes
    ----------
    duration_s
        Length in seconds, counted in samples that were really decoded.
    sample_rate_hz
        Sampling rate of the file.
    channels
        Number of channels before the mix to mono.
    format
        One of :data:`service.audio.formats.FORMATS`.
    silent
        Whether there is no audible sound.
    warnings
        What may make the answer less trustworthy, in words for people.
    gain
        What the samples that a listener heard are multiplied by to lie nominally within [-1, 1].
    waveforms
        By sampling rate in Hz: mono, float32, shape [n_samples], already multiplied by the gain;
        empty where they were not asked for.
    """

    duration_s: float
    sample_rate_hz: int
    channels: int
    format: str
    silent: bool = False
    warnings: tuple[str, ...] = ()
    gain: float = 1.0
    waveforms: dict[int, Samples] = field(default_factory=dict)


@dataclass(frozen=True)
class _Wish:
    """What is asked for of a recording."""

    listener: Listener
    limits: Limits
    excerpt: Excerpt
    channel: int | None = None


def decode(
    data: bytes,
    rates_hz: Collection[int] = (),
    limits: Limits | None = None,
    excerpt: Excerpt | None = None,
) -> Clip:
    """Decode the bytes of an audio file whole; see :func:`hear`.

    Parameters
    ----------
    data, limits, excerpt
        As of :func:`hear`.
    rates_hz
        The sampling rates at which its waveform is needed; without any, it is only described.
    """
    waveforms = Waveforms(rates_hz)
    return _with(waveforms, hear(data, waveforms, limits, excerpt))


def hear(
    data: bytes,
    listener: Listener,
    limits: Limits | None = None,
    excerpt: Excerpt | None = None,
) -> Clip:
    """Have a listener hear an audio file, and return what else is to say about it.

    Parameters
    ----------
    data
        The bytes of a whole file in one of the formats of
        :data:`service.audio.formats.FORMATS`.
    listener
        Who hears it, at a level that the clip's ``gain`` makes right in the end.
    limits
        Bounds, enforced while decoding.
    excerpt
        The part that is heard; without it, all.

    Raises
    ------
    UnsupportedAudio
        The bytes are in no format that the service reads.
    UnusableAudio
        The file is empty, broken, not finite, too short, or has too many channels or a sampling
        rate out of bounds.
    TooManySeconds
        It plays longer than ``limits.max_duration_s``.
    """
    limits = limits or Limits()
    if not data:
        raise UnusableAudio("The file is empty. Use one that holds audio.")
    name, openings = openings_of(data, limits.formats)
    wish = _Wish(listener, limits, excerpt or Excerpt())
    reason = "it ends too early"
    for opening in openings:
        try:
            return _heard(opening, wish)
        except Unreadable as problem:
            reason = str(problem).rstrip(". ")
    raise UnusableAudio(
        f"The {FORMATS[name]} file is broken and cannot be decoded: {reason}. Check that it plays "
        "and that nothing of it is missing."
    )


def hear_plain(
    data: bytes | bytearray, listener: Listener, limits: Limits, excerpt: Excerpt | None = None
) -> Clip | None:
    """Hear a file as :func:`hear` does if it is a WAV of which nothing must be decoded.

    No other file is looked at beyond its first bytes, nor is one in need of mending.

    Raises
    ------
    UnusableAudio, TooManySeconds
        As of :func:`hear`.
    """
    plain = open_plain(data) if "wav" in limits.formats else None
    if plain is None:
        return None
    return _heard(plain, _Wish(listener, limits, excerpt or Excerpt()))


def clip_of(samples: Samples, sample_rate_hz: int, rates_hz: Collection[int]) -> Clip:
    """Return a mono waveform, shape [n_samples], as if it had been decoded from a WAV file."""
    waveforms = Waveforms(rates_hz)
    recording = Recording(sample_rate_hz, 1, waveforms)
    recording.add(np.asarray(samples, dtype=np.float32)[:, np.newaxis])
    recording.end()
    return _with(waveforms, _clip(recording.levels, "wav", channels=1, loss=Loss()))


def _with(waveforms: Waveforms, clip: Clip) -> Clip:
    return replace(clip, waveforms=waveforms.end(clip.gain))


def _heard(opening: Opening, wish: _Wish) -> Clip:
    """Open a file and hear it; once more where its channels turn out to cancel each other."""
    with closing(opening()) as source:
        check_form(source.sample_rate_hz, source.channels, wish.limits)
        passage = Passage(source, wish.excerpt)
        levels = _recorded(passage, wish)
    if wish.channel is None and levels.cancelled:
        return _heard(opening, replace(wish, channel=levels.loudest_channel))
    check_length(levels, wish.excerpt, passage.read_s, wish.limits)
    loss = passage.loss(levels.duration_s)
    cancelled = wish.channel is not None
    return _clip(levels, source.format, channels=source.channels, loss=loss, cancelled=cancelled)


def _clip(levels: Levels, name: str, *, channels: int, loss: Loss, cancelled: bool = False) -> Clip:
    return Clip(
        levels.duration_s,
        levels.sample_rate_hz,
        channels,
        name,
        levels.silent,
        tuple(quality_warnings(levels, loss, cancelled=cancelled)),
        levels.gain,
    )


def _recorded(passage: Passage, wish: _Wish) -> Levels:
    source = passage.source
    recording = Recording(source.sample_rate_hz, source.channels, wish.listener, wish.channel)
    max_frames = int(wish.limits.max_duration_s * source.sample_rate_hz)
    for block in passage.blocks():
        if recording.levels.n_frames + len(block) > max_frames:
            raise TooManySeconds(
                f"The audio plays longer than {wish.limits.max_duration_s:g} s. Use an excerpt, "
                "or choose one with start_s and duration_s."
            )
        peak = max(float(block.max()), -float(block.min()))
        if not peak <= LARGEST_SAMPLE:  # a NaN fails too
            raise UnusableAudio(
                "The file holds samples that are not finite numbers (NaN or infinity) or beyond "
                f"{LARGEST_SAMPLE:g}."
            )
        recording.add(block, peak)
    recording.end()
    return recording.levels
