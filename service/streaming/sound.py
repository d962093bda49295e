"""Turn the bytes of a stream, cut anywhere, into a mono waveform and its level."""

import math

import numpy as np
import soxr
from numpy.typing import NDArray

from service.audio.decode import LARGEST_SAMPLE, Samples
from service.audio.quality import Levels
from service.streaming.protocol import Close, StreamRefused, StreamStart

FULL_SCALE = 32_768
QUIETEST_DB = -100.0


class Sound:
    """The audio of one stream, as it comes.

    Parameters
    ----------
    start
        What the client has declared.
    """

    def __init__(self, start: StreamStart) -> None:
        self.levels = Levels(start.sample_rate_hz, start.channels)
        self._start = start
        self._mix = np.full(start.channels, 1 / start.channels, dtype=np.float32)
        self._rest = b""
        self._power = 0.0
        self._n_samples = 0
        self._level_db = QUIETEST_DB

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of each channel."""
        return self._start.frame_bytes

    @property
    def heard_s(self) -> float:
        """Seconds that have come."""
        return self.levels.duration_s

    def bytes_until(self, n_samples: int) -> int:
        """Return how many bytes lack until so many samples of each channel have come."""
        return (n_samples - self.levels.n_frames) * self._start.frame_bytes - len(self._rest)

    def add(self, data: bytes) -> Samples:
        """Take the next bytes; return the samples that are complete, mixed to mono.

        Where the channels have cancelled each other until now, the loudest one is heard alone.

        Raises
        ------
        StreamRefused
            Samples are not finite.
        """
        data = self._rest + data
        whole = len(data) - len(data) % self._start.frame_bytes
        self._rest = data[whole:]
        block = self._samples(data[:whole]).reshape(-1, self._start.channels)
        mono = block[:, 0] if len(self._mix) == 1 else block @ self._mix
        self.levels.add(block, mono)
        if self.levels.cancelled:  # as one microphone on both poles of a stereo plug does
            mono = block[:, self.levels.loudest_channel]
        self._power += float(np.dot(mono, mono))
        self._n_samples += len(mono)
        return mono

    def level_db(self) -> float:
        """Return the mean level since this was last asked, in dB of full scale.

        Where nothing has come since, it is what was told then.
        """
        if self._n_samples:
            self._level_db = _level_db(self._power / self._n_samples)
        self._power, self._n_samples = 0.0, 0
        return self._level_db

    def _samples(self, data: bytes) -> Samples:
        if self._start.encoding == "pcm_s16le":
            return np.frombuffer(data, "<i2").astype(np.float32) / np.float32(FULL_SCALE)
        samples: NDArray[np.float32] = np.frombuffer(data, "<f4").astype(np.float32)
        # Written so that a NaN fails too.
        if not (np.abs(samples) <= LARGEST_SAMPLE).all():
            raise StreamRefused(
                "The samples are not finite numbers; is the encoding pcm_s16le?", Close.POLICY
            )
        return samples


def _level_db(power: float) -> float:
    if power <= 10 ** (QUIETEST_DB / 10):
        return QUIETEST_DB
    return min(0.0, round(10 * math.log10(power), 1))


class Resampler:
    """A waveform at another sampling rate, made of the same samples however they are cut."""

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._stream = None if from_hz == to_hz else soxr.ResampleStream(from_hz, to_hz, 1)

    def add(self, samples: Samples, *, last: bool = False) -> Samples:
        """Return what can be told of the new waveform after some more of the old one."""
        if self._stream is None:
            return samples
        resampled: Samples = self._stream.resample_chunk(samples, last=last)
        return resampled
