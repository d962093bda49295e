"""Measure the bands of frames: their spectra through a filter bank, and how loud they are."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from service.inference.feature_spec import FeatureSpec, FilterBank, Grid
from service.inference.filters import Filters
from service.inference.loudness import frame_weights

# All that a constant has in the spectrum of a frame under a periodic Hann window.
OFFSET_BINS = 2

Bins = NDArray[np.complexfloating]  # [frames, bins], a spectrum a frame


class Framing(Protocol):
    """How long frames are, and how far the next one lies."""

    @property
    def fft_samples(self) -> int:
        """Samples of each frame."""

    @property
    def hop_samples(self) -> int:
        """Samples from one frame's beginning to that of the next."""


@dataclass(frozen=True)
class Bands:
    """The banded spectrum of a waveform, before anything is known of its level.

    Attributes
    ----------
    levels
        What the filter bank weighed, shape [frames, bands].
    mean_squares
        K-weighted mean square of each frame, shape [frames]; empty for a specification without
        a loudness.
    """

    levels: Grid
    mean_squares: NDArray[np.float32]


class BandMeter:
    """Measures the bands of frames, whose number does not matter.

    Parameters
    ----------
    spec, bank
        What to compute, and the filters of shape [bands, bins].
    """

    def __init__(self, spec: FeatureSpec, bank: FilterBank) -> None:
        self.spec = spec
        self._hann = hann(spec.fft_samples)
        self._filters = Filters(bank)
        self._loudness_weights = np.zeros(0, np.float32)
        self._n_bins = self._filters.n_heard
        if spec.loudness_lufs is not None:
            self._loudness_weights = frame_weights(self._hann, spec.sample_rate_hz)
            self._n_bins = len(self._loudness_weights)
        self._constant: Bins = np.fft.rfft(self._hann)[:OFFSET_BINS]
        lowest = bank[:, :OFFSET_BINS].T
        heard = np.flatnonzero(lowest.any(axis=0))
        self._low_bands = slice(int(heard[0]), int(heard[-1]) + 1) if len(heard) else slice(0)
        self._low_weights = lowest[:, self._low_bands]

    def measure(self, frames: NDArray[np.float32]) -> Bands:
        """Measure frames of samples, shape [frames, fft_samples]."""
        return self._weighed(self._spectrum(frames))

    def measure_upper(self, frames: NDArray[np.float32]) -> tuple[Bands, Bins]:
        """Measure frames without the bins that an offset changes; return these as they are.

        Once the offset is known, :meth:`add_lowest` adds what they bring.
        """
        spectrum = self._spectrum(frames)
        lowest = spectrum[:, :OFFSET_BINS].copy()
        spectrum[:, :OFFSET_BINS] = 0
        return self._weighed(spectrum), lowest

    def add_lowest(self, upper: Bands, lowest: Bins, offset: float) -> None:
        """Add what :meth:`measure_upper` left out, as if the waveform had no offset, in place."""
        strength = self._strength(lowest - np.float32(offset) * self._constant)
        upper.levels[:, self._low_bands] += strength @ self._low_weights
        upper.mean_squares[:] += self._mean_squares(strength)

    def _spectrum(self, frames: NDArray[np.float32]) -> Bins:
        spectrum: Bins = np.fft.rfft(frames * self._hann)[:, : self._n_bins]
        return spectrum

    def _weighed(self, spectrum: Bins) -> Bands:
        strength = self._strength(spectrum)
        return Bands(self._filters.apply(strength), self._mean_squares(strength))

    def _strength(self, spectrum: Bins) -> NDArray[np.float32]:
        strength: NDArray[np.float32] = np.abs(spectrum)
        return np.square(strength, out=strength) if self.spec.spectrum == "power" else strength

    def _mean_squares(self, strength: NDArray[np.float32]) -> NDArray[np.float32]:
        if not len(self._loudness_weights):
            return np.zeros(0, np.float32)
        power = strength if self.spec.spectrum == "power" else np.square(strength)
        mean_squares: NDArray[np.float32] = power @ self._loudness_weights[: power.shape[1]]
        return mean_squares


def overlapping(
    samples: NDArray[np.float32], n_frames: int, framing: Framing
) -> NDArray[np.float32]:
    """View samples as frames that overlap, shape [n_frames, fft_samples]; the first begins them."""
    # As sliding_window_view, which takes three times as long for so few frames.
    (step,) = samples.strides
    shape = n_frames, framing.fft_samples
    return as_strided(samples, shape, (framing.hop_samples * step, step), writeable=False)


def hann(length_samples: int) -> NDArray[np.float32]:
    """Return the periodic Hann window, shape [length_samples]."""
    return np.hanning(length_samples + 1)[:-1].astype(np.float32)
