"""Keep of a recording what is needed of it, while it is read block by block."""

from collections.abc import Collection

import numpy as np
import soxr

from service.audio.quality import Levels
from service.audio.readers.source import Samples


class Recording:
    """The mix of a recording at the rates that are asked for, and its levels.

    Parameters
    ----------
    sample_rate_hz, channels
        Of the file.
    rates_hz
        The sampling rates at which its waveform is needed.
    channel
        Which channel to hear; without it, the mean of all.
    """

    def __init__(
        self,
        sample_rate_hz: int,
        channels: int,
        rates_hz: Collection[int],
        channel: int | None = None,
    ) -> None:
        self._channel = 0 if channels == 1 else channel
        self.levels = Levels(sample_rate_hz, channels if channel is None else 1)
        self._mix = np.full(channels, 1 / channels, dtype=np.float32)
        self._waveforms = {rate: _Waveform(sample_rate_hz, rate) for rate in rates_hz}

    def add(self, block: Samples, peak: float | None = None) -> None:
        """Take the next samples, shape [n_samples, channels], and their peak where it is known."""
        if self._channel is None:
            # A matrix product mixes 50 times faster than mean(axis=1) on interleaved samples.
            mono = block @ self._mix
        else:
            mono = np.ascontiguousarray(block[:, self._channel])
            block = mono[:, np.newaxis]
        self.levels.add(block, mono, peak)
        for waveform in self._waveforms.values():
            waveform.add(mono)

    def waveforms(self) -> dict[int, Samples]:
        """Return the waveforms, by rate, of the recording that has been read to its end."""
        gain = np.float32(self.levels.gain)
        return {rate: waveform.end(gain) for rate, waveform in self._waveforms.items()}


class _Waveform:
    """A waveform at one sampling rate, made of blocks at that of the file."""

    def __init__(self, file_rate_hz: int, rate_hz: int) -> None:
        same = file_rate_hz == rate_hz
        self._stream = None if same else soxr.ResampleStream(file_rate_hz, rate_hz, 1)
        # It grows in place, where blocks in a list would take as much again to be joined.
        self._bytes = bytearray()

    def add(self, block: Samples, *, last: bool = False) -> None:
        if self._stream is not None:
            block = self._stream.resample_chunk(block, last=last)
        self._bytes += np.ascontiguousarray(block).data

    def end(self, gain: np.float32) -> Samples:
        self.add(np.zeros(0, dtype=np.float32), last=True)
        samples = np.frombuffer(self._bytes, dtype=np.float32)
        if gain != 1:
            samples *= gain
        return samples
