"""Judge a recording: what may make the answer less trustworthy.

The levels are gathered block by block, so that no recording must be in memory whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SILENCE_PEAK = 1e-4  # -80 dBFS
QUIET_PEAK = 0.01  # -40 dBFS
CLIPPED_LEVEL = 0.999
CLIPPED_SHARE = 1e-3
LARGE_OFFSET = 0.05
SHORT_CLIP_S = 1.0
LOW_SAMPLE_RATE_HZ = 16_000
# A mix below this share of the power that its channels would have together, were they unlike.
CANCELLED_SHARE = 0.2
SILENT_CHANNEL_POWER = 1e-6  # of the loudest one's: -60 dB
# Floating point files go beyond 1, but by so much only where somebody wrote integers into them.
LOUDEST_FLOAT = 16.0
INTEGER_SCALES = (2.0**15, 2.0**23, 2.0**31)
COMPLETE_SHARE = 0.95
BELIEVED_S = 86_400.0  # a header that states more than a day is wrong; nothing is missing then
AUDIBLE_LOSS_S = 0.01


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
        self._peak = 0.0
        self._n_clipped = dict.fromkeys((1.0, *INTEGER_SCALES), 0)
        self._sum = 0.0
        self._energy = 0.0
        self._channel_energy = np.zeros(channels)

    def add(
        self, block: NDArray[np.float32], mono: NDArray[np.float32], peak: float | None = None
    ) -> None:
        """Take the next samples.

        Parameters
        ----------
        block, mono
            Shape [n_samples, channels], and their mix, [n_samples].
        peak
            The largest of the samples without their signs, where it is known.
        """
        if peak is None:
            peak = float(max(block.max(initial=0.0), -block.min(initial=0.0)))
        self.n_frames += len(mono)
        self._peak = max(self._peak, peak)
        for scale in self._n_clipped:
            if peak >= CLIPPED_LEVEL * scale:
                self._n_clipped[scale] += int(
                    np.count_nonzero(np.abs(block) >= CLIPPED_LEVEL * scale)
                )
        self._sum += float(mono.sum())
        self._energy += float(np.dot(mono, mono))
        if self.channels == 1:
            self._channel_energy[0] = self._energy
        else:
            # Each channel by itself is faster than any sum over an axis.
            for index in range(self.channels):
                channel = block[:, index]
                self._channel_energy[index] += float(np.dot(channel, channel))

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_frames / self.sample_rate_hz

    @property
    def full_scale(self) -> float:
        """What the file's writer took for the loudest sample: 1, or the largest integer."""
        if self._peak <= LOUDEST_FLOAT:
            return 1.0
        return next((scale for scale in INTEGER_SCALES if self._peak <= scale), self._peak)

    @property
    def gain(self) -> float:
        """What brings the mix to the level that the channels with a sound have, within [-1, 1]."""
        silent = self._channel_energy < SILENT_CHANNEL_POWER * self._channel_energy.max()
        return self.channels / max(self.channels - int(silent.sum()), 1) / self.full_scale

    @property
    def peak(self) -> float:
        """Largest sample of all channels without its sign."""
        return self._peak / self.full_scale

    @property
    def silent(self) -> bool:
        """Whether there is no audible sound."""
        return self.peak < SILENCE_PEAK

    @property
    def clipped_share(self) -> float:
        """Share of the channels' samples at full scale or beyond."""
        n_clipped = self._n_clipped.get(self.full_scale, 0)
        return n_clipped / max(self.n_frames * self.channels, 1)

    @property
    def offset(self) -> float:
        """Mean of the mix."""
        return self._sum * self.gain / max(self.n_frames, 1)

    @property
    def power(self) -> float:
        """Mean power of the mix."""
        return self._energy * self.gain**2 / max(self.n_frames, 1)

    @property
    def cancelled(self) -> bool:
        """Whether the channels cancel each other when they are mixed."""
        # Of unlike sounds the powers add up.
        unlike = self._channel_energy.sum() / self.channels**2
        return not self.silent and self._energy < CANCELLED_SHARE * unlike

    @property
    def loudest_channel(self) -> int:
        """Number of the channel with the most power."""
        return int(self._channel_energy.argmax())


@dataclass(frozen=True)
class Loss:
    """What is missing of a recording.

    Attributes
    ----------
    stated_s
        Length that the file states, in seconds; 0 if it states none.
    damaged_s
        Length of what could not be decoded between its beginning and its end.
    cut_off
        Whether the file ends before its own end.
    """

    stated_s: float = 0.0
    damaged_s: float = 0.0
    cut_off: bool = False


def quality_warnings(
    levels: Levels, loss: Loss | None = None, *, cancelled: bool = False
) -> list[str]:
    """Name what is wrong with a recording, in words for people.

    Parameters
    ----------
    levels, loss
        What was measured, and what is known to be missing.
    cancelled
        Whether only one of its channels is heard, as they cancel each other.
    """
    found = _loss_warnings(levels, loss or Loss())
    if levels.silent:
        found.append("silent: there is no audible sound")
    elif levels.peak < QUIET_PEAK:
        found.append("quiet: the peak is below -40 dBFS, so noise may dominate")
    if levels.full_scale > 1:
        found.append(
            f"level: samples of a floating point file should lie within -1 and 1; taken as "
            f"integers up to {levels.full_scale:.0f}"
        )
    if levels.clipped_share > CLIPPED_SHARE:
        found.append("clipped: many samples sit at full scale, the recording was too loud")
    if abs(levels.offset) > LARGE_OFFSET:
        found.append("dc_offset: the waveform is not centred on zero")
    if cancelled:
        found.append("phase: the channels cancel each other, so only the loudest one is heard")
    if levels.duration_s < SHORT_CLIP_S:
        found.append(f"short: only {levels.duration_s:.2f} s, longer clips are judged better")
    if levels.sample_rate_hz < LOW_SAMPLE_RATE_HZ:
        found.append(
            f"low_sample_rate: {levels.sample_rate_hz} Hz, so high frequencies are missing"
        )
    return found


def _loss_warnings(levels: Levels, loss: Loss) -> list[str]:
    found: list[str] = []
    missing_s = loss.stated_s - levels.duration_s - loss.damaged_s
    if loss.stated_s < BELIEVED_S and missing_s > (1 - COMPLETE_SHARE) * loss.stated_s:
        found.append(
            f"truncated: the last {missing_s:.1f} s of the {loss.stated_s:.1f} s that its header "
            "states are missing"
        )
    elif loss.cut_off:
        found.append("truncated: the file ends before its own end, some of it is missing")
    if loss.damaged_s >= AUDIBLE_LOSS_S:
        found.append(f"damaged: about {loss.damaged_s:.2f} s in between could not be decoded")
    return found
