"""The features of a waveform that is still coming: each frame is computed once.

Levels are relative to the loudest band of the clip, or to its loudness, which nobody knows before
its end. So what the filter bank let through is kept as it is for a while, and becomes levels when a
window of it is asked for: relative to the loudest of the last seconds, or to the loudness so far.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from service.audio.decode import Samples
from service.inference.bands import BandMeter, overlapping
from service.inference.features import Grid, compress, gain_db
from service.inference.tuning import retuned
from service.inference.windows import SILENT_BELOW_DB
from service.streaming.tuning import RunningTuning

LOUDEST_OF_S = 10.0
# As long as the longest upload that is taken.
LOUDNESS_OF_S = 900.0
# The mean of a moment is no offset: it counts in full only after some such times.
OFFSET_S = 1.0


class Spectrum:
    """The last frames of a waveform.

    Parameters
    ----------
    meter
        What measures its frames.
    tuning
        Where the features have pitches, hears how they are tuned, and says how far they are moved.
    """

    def __init__(self, meter: BandMeter, tuning: RunningTuning | None = None) -> None:
        self.spec = spec = meter.spec
        self.tuning = tuning
        self.n_frames = 0
        self._meter = meter
        self._keep_frames = 1
        # Frames are centred: the first one's first half lies before the beginning.
        self._samples = np.zeros(spec.fft_samples // 2, np.float32)
        self._banded: Grid = np.zeros((0, spec.bands), np.float32)
        self._loudest: deque[float] = deque(maxlen=max(1, round(LOUDEST_OF_S / spec.hop_s)))
        self._mean_squares = np.zeros(0, np.float32)
        self._offset = _Offset(OFFSET_S * spec.sample_rate_hz)

    def add(self, samples: Samples) -> None:
        """Compute the frames that some more samples complete."""
        if self.spec.loudness_lufs is not None:
            samples = self._offset.remove(samples)
        self._add(samples)

    def end(self) -> None:
        """Complete the frames that the end of the waveform cuts off, as in a whole clip."""
        fft_samples = self.spec.fft_samples
        self._add(np.zeros(fft_samples - fft_samples // 2, np.float32))

    def keep(self, frames: int) -> None:
        """Keep at least so many frames, since so long a stretch will be asked for."""
        self._keep_frames = max(self._keep_frames, frames)

    def forget(self) -> None:
        """Drop the frames that are too old to be asked for."""
        self._banded = self._banded[-self._keep_frames :]

    def levels(self, start: int, stop: int) -> Grid:
        """Return the features of some frames, shape [stop - start, bands]."""
        levels = self._compressed(self._kept(start, stop), max(self._loudest, default=0.0))
        return retuned(levels, self.tuning.moved_cents) if self.tuning else levels

    def loudest(self, start: int, stop: int) -> float:
        """Return the most that the filter bank let through in any of some frames."""
        return float(self._kept(start, stop).max(initial=0.0))

    def sounding(self, loudest: NDArray[np.float32], of_all: float) -> NDArray[np.bool_]:
        """Tell where something sounds, as :func:`service.inference.windows.cut_counting_windows`.

        Parameters
        ----------
        loudest
            What :meth:`loudest` tells of some stretches, shape [stretches].
        of_all
            The most that it told of any until now.
        """
        levels = self._compressed(np.append(loudest, np.float32(of_all))[:, np.newaxis], of_all)
        sounding: NDArray[np.bool_] = levels >= levels[-1] - SILENT_BELOW_DB / self.spec.range_db
        return sounding[:-1, 0]

    def _kept(self, start: int, stop: int) -> Grid:
        first_kept = self.n_frames - len(self._banded)
        if not first_kept <= start <= stop <= self.n_frames:
            raise IndexError(f"of frames {start} to {stop}, not all are kept")
        return self._banded[start - first_kept : stop - first_kept]

    def _compressed(self, banded: Grid, loudest: float) -> Grid:
        """Return what was let through as levels from 0 to 1, of which the loudest is as told."""
        up_db = gain_db(self._mean_squares, self.spec) if self.n_frames else None
        if up_db is None:  # silence until now
            return np.zeros_like(banded)
        return compress(banded.copy(), loudest, self.spec, up_db)

    def _add(self, samples: Samples) -> None:
        spec = self.spec
        stretch = np.concatenate([self._samples, samples])
        n_new = max(0, 1 + (len(stretch) - spec.fft_samples) // spec.hop_samples)
        if n_new:
            bands = self._meter.measure(overlapping(stretch, n_new, spec))
            self._banded = np.concatenate([self._banded, bands.levels])
            if self.tuning is not None:
                self.tuning.hear(bands.levels)
            self._loudest.extend(bands.levels.max(axis=1).tolist())
            known = np.concatenate([self._mean_squares, bands.mean_squares])
            self._mean_squares = known[-round(LOUDNESS_OF_S / spec.hop_s) :]
            self.n_frames += n_new
        self._samples = stretch[n_new * spec.hop_samples :]


class _Offset:
    """The mean of a waveform until now, which is taken from it."""

    def __init__(self, settles_samples: float) -> None:
        self._settles_samples = settles_samples
        self._n_samples = 0
        self._sum = 0.0

    def remove(self, samples: Samples) -> NDArray[np.float32]:
        self._n_samples += len(samples)
        self._sum += float(samples.sum(dtype=np.float64))
        return samples - np.float32(self._sum / (self._n_samples + self._settles_samples))
