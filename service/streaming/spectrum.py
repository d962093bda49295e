"""The features of a waveform that is still coming: each frame is computed once.

Levels can be relative to the loudest band of the clip, which nobody knows before its end. So what
the filter bank let through is kept as it is for a while, and becomes levels when a window of it
is asked for: relative to the loudest of the last seconds.
"""

from collections import deque

import numpy as np

from service.audio.decode import Samples
from service.inference.features import (
    FeatureSpec,
    FilterBank,
    Grid,
    compress,
    frame_spectrum,
    hann,
    overlapping,
)

REFERENCE_S = 10.0


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

    def add(self, samples: Samples) -> None:
        """Compute the frames that some more samples complete."""
        spec = self.spec
        stretch = np.concatenate([self._samples, samples])
        n_new = max(0, 1 + (len(stretch) - spec.fft_samples) // spec.hop_samples)
        if n_new:
            frames = overlapping(stretch, n_new, spec) * self._hann
            banded = frame_spectrum(frames, spec) @ self._weights
            self._banded = np.concatenate([self._banded, banded])
            self._loudest.extend(banded.max(axis=1).tolist())
            self.n_frames += n_new
        self._samples = stretch[n_new * spec.hop_samples :]

    def end(self) -> None:
        """Complete the frames that the end of the waveform cuts off, as in a whole clip."""
        fft_samples = self.spec.fft_samples
        self.add(np.zeros(fft_samples - fft_samples // 2, np.float32))

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
        return compress(banded, max(self._loudest, default=0.0), self.spec)
