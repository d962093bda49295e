"""The features of a waveform that is still coming: each frame is computed once.

Levels are relative to the loudest band or to the loudness of the clip, which nobody knows before
its end. So what the filter bank let through is kept as it is for a while, and becomes levels when
a window of it is asked for: relative to the loudest, or to the loudness, of the last seconds.
"""

from collections import deque

import numpy as np

from service.audio.decode import Samples
from service.inference.features import (
    FeatureSpec,
    FilterBank,
    Grid,
    compress,
    gain_db,
    hann,
    overlapping,
    power_spectrum,
)
from service.inference.loudness import frame_weights

REFERENCE_S = 10.0
# As long as the clips that the networks learned from.
LOUDNESS_S = 30.0


class Spectrum:
    """The last frames of a waveform.

    Parameters
    ----------
    spec, bank
        What to compute, and the filters of shape [bands, bins].
    """

    def __init__(self, spec: FeatureSpec, bank: FilterBank) -> None:
        self.spec = spec
        self.n_frames = 0
        self._keep_frames = 1
        self._weights = bank.T  # not copied, as there may be a hundred streams
        self._hann = hann(spec.fft_samples)
        # Frames are centred: the first one's first half lies before the beginning.
        self._samples = np.zeros(spec.fft_samples // 2, np.float32)
        self._banded: Grid = np.zeros((0, spec.bands), np.float32)
        self._loudest: deque[float] = deque(maxlen=max(1, round(REFERENCE_S / spec.hop_s)))
        self._mean_squares: deque[float] = deque(maxlen=max(1, round(LOUDNESS_S / spec.hop_s)))
        self._loudness_weights = frame_weights(self._hann, spec.sample_rate_hz)
        self._n_samples = 0
        self._sum = 0.0

    def add(self, samples: Samples) -> None:
        """Compute the frames that some more samples complete."""
        self._extend(self._centred(samples))

    def end(self) -> None:
        """Complete the frames that the end of the waveform cuts off, as in a whole clip."""
        fft_samples = self.spec.fft_samples
        self._extend(np.zeros(fft_samples - fft_samples // 2, np.float32))

    def keep(self, frames: int) -> None:
        """Keep at least so many frames, since so long a stretch will be asked for."""
        self._keep_frames = max(self._keep_frames, frames)

    def forget(self) -> None:
        """Drop the frames that are too old to be asked for."""
        self._banded = self._banded[-self._keep_frames :]

    def levels(self, start: int, stop: int) -> Grid:
        """Return the features of some frames, shape [stop - start, bands]."""
        first_kept = self.n_frames - len(self._banded)
        if not first_kept <= start <= stop <= self.n_frames:
            raise IndexError(f"of frames {start} to {stop}, not all are kept")
        banded = self._banded[start - first_kept : stop - first_kept].copy()
        up_db = gain_db(np.array(self._mean_squares), self.spec)
        if up_db is None:
            return np.zeros_like(banded)
        return compress(banded, max(self._loudest, default=0.0), self.spec, up_db)

    def _centred(self, samples: Samples) -> Samples:
        """Take off the mean of all samples until now, where that of a whole clip is taken off."""
        if self.spec.loudness_lufs is None or not len(samples):
            return samples
        self._n_samples += len(samples)
        self._sum += float(samples.sum(dtype=np.float64))
        return samples - np.float32(self._sum / self._n_samples)

    def _extend(self, samples: Samples) -> None:
        spec = self.spec
        stretch = np.concatenate([self._samples, samples])
        n_new = max(0, 1 + (len(stretch) - spec.fft_samples) // spec.hop_samples)
        if n_new:
            spectrum = power_spectrum(overlapping(stretch, n_new, spec) * self._hann)
            self._mean_squares.extend((spectrum @ self._loudness_weights).tolist())
            if spec.spectrum == "magnitude":
                np.sqrt(spectrum, out=spectrum)
            banded = spectrum @ self._weights
            self._banded = np.concatenate([self._banded, banded])
            self._loudest.extend(banded.max(axis=1).tolist())
            self.n_frames += n_new
        self._samples = stretch[n_new * spec.hop_samples :]
