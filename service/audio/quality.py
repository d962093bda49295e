"""Judge a recording: what may make the answer less trustworthy.

The levels are gathered block by block, so that no recording must be in memory whole.
"""

import numpy as np
from numpy.typing import NDArray

SILENCE_PEAK = 1e-4  # -80 dBFS
QUIET_PEAK = 0.01  # -40 dBFS
CLIPPED_LEVEL = 0.999
CLIPPED_SHARE = 1e-3
LARGE_OFFSET = 0.05
SHORT_CLIP_S = 1.0
LOW_SAMPLE_RATE_HZ = 16_000
CANCELLED_RATIO = 0.1


class Levels:
    """The levels of a recording, gathered while it is read.

    Parameters
    ----------
    sample_rate_hz, channels
        Of the file.
    """

    def __init__(self, sample_rate_hz: int, channels: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self.channels = channels
        self.n_frames = 0
        self.peak = 0.0
        self._n_clipped = 0
        self._sum = 0.0
        self._energy = 0.0
        self._channel_energy = np.zeros(channels)

    def add(self, block: NDArray[np.float32], mono: NDArray[np.float32]) -> None:
        """Take the next samples, shape [n_samples, channels], and their mix, [n_samples]."""
        self.n_frames += len(mono)
        self.peak = max(self.peak, float(mono.max(initial=0.0)), -float(mono.min(initial=0.0)))
        self._n_clipped += int(np.count_nonzero(np.abs(mono) >= CLIPPED_LEVEL))
        self._sum += float(mono.sum())
        self._energy += float(np.dot(mono, mono))
        self._channel_energy += np.einsum("ij,ij->j", block, block)

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_frames / self.sample_rate_hz

    @property
    def silent(self) -> bool:
        """Whether there is no audible sound."""
        return self.peak < SILENCE_PEAK

    @property
    def clipped_share(self) -> float:
        """Share of the samples at full scale or beyond."""
        return self._n_clipped / max(self.n_frames, 1)

    @property
    def offset(self) -> float:
        """Mean of the samples."""
        return self._sum / max(self.n_frames, 1)

    @property
    def power(self) -> float:
        """Mean power of the mix."""
        return self._energy / max(self.n_frames, 1)

    @property
    def loudest_channel_power(self) -> float:
        """Mean power of the loudest channel."""
        return float(self._channel_energy.max()) / max(self.n_frames, 1)


def quality_warnings(levels: Levels, *, truncated: bool) -> list[str]:
    """Name what is wrong with a recording, in words for people."""
    found: list[str] = []
    if truncated:
        found.append("truncated: the file ends before the length its header states")
    if levels.silent:
        found.append("silent: there is no audible sound")
    elif levels.peak < QUIET_PEAK:
        found.append("quiet: the peak is below -40 dBFS, so noise may dominate")
    if levels.clipped_share > CLIPPED_SHARE:
        found.append("clipped: many samples sit at full scale, the recording was too loud")
    if abs(levels.offset) > LARGE_OFFSET:
        found.append("dc_offset: the waveform is not centred on zero")
    loudest = levels.loudest_channel_power
    if loudest > SILENCE_PEAK**2 and levels.power < CANCELLED_RATIO * loudest:
        found.append("phase: the channels cancel each other when mixed to mono")
    if levels.duration_s < SHORT_CLIP_S:
        found.append(f"short: only {levels.duration_s:.2f} s, longer clips are judged better")
    if levels.sample_rate_hz < LOW_SAMPLE_RATE_HZ:
        found.append(
            f"low_sample_rate: {levels.sample_rate_hz} Hz, so high frequencies are missing"
        )
    return found
