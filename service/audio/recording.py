"""Pass on what is needed of a recording, while it is read block by block."""

from collections.abc import Collection, Mapping
from typing import Protocol

import numpy as np
import soxr

from service.audio.quality import Levels
from service.audio.readers.source import Samples


class Listener(Protocol):
    """Hears the mix of a recording at some sampling rates, as it comes.

    Attributes
    ----------
    rates_hz
        The sampling rates.
    """

    @property
    def rates_hz(self) -> Collection[int]:
        """The sampling rates."""

    def begin(self) -> None:
        """Forget what was heard: the recording begins, perhaps once more in another way."""

    def add(self, rate_hz: int, samples: Samples) -> None:
        """Hear the next samples at one of the rates, shape [n_samples]."""


class Waveforms:
    """Keeps the waveforms whole; see :class:`Listener`."""

    def __init__(self, rates_hz: Collection[int]) -> None:
        self.rates_hz = rates_hz
        self.begin()

    def begin(self) -> None:
        """Forget what was heard."""
        # They grow in place, where blocks in a list would take as much again to be joined.
        self._heard = {rate_hz: bytearray() for rate_hz in self.rates_hz}

    def add(self, rate_hz: int, samples: Samples) -> None:
        """Keep the next samples at one of the rates."""
        self._heard[rate_hz] += np.ascontiguousarray(samples).data

    def end(self, gain: float) -> dict[int, Samples]:
        """Return the waveforms by rate, multiplied by a gain."""
        waveforms = {rate: np.frombuffer(heard, np.float32) for rate, heard in self._heard.items()}
        if gain != 1:
            for samples in waveforms.values():
                np.multiply(samples, np.float32(gain), out=samples)
        return waveforms


class Recording:
    """Brings the mix of a recording to the rates of a listener, and gathers its levels.

    Parameters
    ----------
    sample_rate_hz, channels
        Of the file.
    listener
        Who hears it.
    channel
        Which channel to hear; without it, the mean of all.
    """

    def __init__(
        self, sample_rate_hz: int, channels: int, listener: Listener, channel: int | None = None
    ) -> None:
        self._channel = 0 if channels == 1 else channel
        self.levels = Levels(sample_rate_hz, channels if channel is None else 1)
        self._mix = np.full(channels, 1 / channels, dtype=np.float32)
        self._listener = listener
        self._streams: Mapping[int, soxr.ResampleStream | None] = {
            rate_hz: None
            if rate_hz == sample_rate_hz
            else soxr.ResampleStream(sample_rate_hz, rate_hz, 1)
            for rate_hz in listener.rates_hz
        }
        listener.begin()

    def add(self, block: Samples, peak: float | None = None) -> None:
        """Take the next samples, shape [n_samples, channels], and their peak where it is known."""
        if self._channel is None:
            # Channel by channel, since sums over interleaved samples take four times as long; and
            # a matrix product mixes 50 times faster than mean(axis=1).
            block = np.ascontiguousarray(block.T).T
            mono = block @ self._mix
        else:
            mono = np.ascontiguousarray(block[:, self._channel])
            block = mono[:, np.newaxis]
        self.levels.add(block, mono, peak)
        self._pass_on(mono)

    def end(self) -> None:
        """Pass on what is left, once the recording has been read to its end."""
        self._pass_on(np.zeros(0, dtype=np.float32), last=True)

    def _pass_on(self, mono: Samples, *, last: bool = False) -> None:
        for rate_hz, stream in self._streams.items():
            samples = mono if stream is None else stream.resample_chunk(mono, last=last)
            self._listener.add(rate_hz, samples)
