"""Turn a waveform into the features that a network was trained on.

A feature grid is a banded short-time spectrum: centred frames, periodic Hann window,
a stored filter bank, levels in decibels relative to the loudest band of the clip or to
a fixed power.
The specification and the filter bank travel in the model bundle, so that a new
feature needs new data here and no new code. :mod:`training.data.filter_banks` makes the
banks with librosa and tests that both agree.
"""

from typing import Literal

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

Grid = NDArray[np.float32]  # [frames, bands]
FilterBank = NDArray[np.float32]  # [bands, fft_samples // 2 + 1]

# Blocks of this size stay in the processor's cache, twice as fast as the whole clip.
BLOCK_FRAMES = 64
TINY_POWER = 1e-20


class FeatureSpec(BaseModel):
    """Everything that defines a feature grid, apart from the filter bank's numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(description="What the bands are, for people: log_mel, log_frequency, …")
    sample_rate_hz: int = Field(gt=0, description="The waveform is resampled to this rate")
    fft_samples: int = Field(gt=0, description="Length of the FFT and of its periodic Hann window")
    hop_samples: int = Field(gt=0, description="Distance between frame centres; the first is at 0")
    bands: int = Field(gt=0, description="Rows of the filter bank")
    spectrum: Literal["magnitude", "power"] = Field(description="What the filter bank weighs")
    range_db: float = Field(
        gt=0, description="Levels from this far below the reference up to it map to 0…1"
    )
    reference_power: float | None = Field(
        default=None, gt=0, description="What maps to 1; by default the clip's loudest band"
    )

    @property
    def hop_s(self) -> float:
        """Distance between frames in seconds."""
        return self.hop_samples / self.sample_rate_hz


def compute_grid(samples: NDArray[np.float32], spec: FeatureSpec, bank: FilterBank) -> Grid:
    """Compute the feature grid of a waveform.

    Parameters
    ----------
    samples
        Mono waveform at ``spec.sample_rate_hz``, shape [n_samples].
    spec
        What to compute.
    bank
        Filter bank, shape [bands, fft_samples // 2 + 1].

    Returns
    -------
    Grid
        Shape [1 + n_samples // hop_samples, bands], values from 0 (``range_db`` or more
        below the reference) to 1 (the reference, or louder); all 0 for silence.
    """
    banded = _banded_spectrum(samples, spec, bank)
    return compress(banded, float(banded.max(initial=0.0)), spec)


def compress(banded: Grid, loudest: float, spec: FeatureSpec) -> Grid:
    """Turn what the filter bank let through into levels from 0 to 1, in place.

    Parameters
    ----------
    banded
        Magnitudes or powers, shape [frames, bands].
    loudest
        The largest of them, or of a longer stretch of the recording that they are part of.
    spec
        How they were computed.
    """
    # Decibels are of power, whatever the filter bank weighed.
    to_power = 1 if spec.spectrum == "power" else 2
    if loudest**to_power <= TINY_POWER:
        banded[:] = 0
        return banded
    reference = loudest if spec.reference_power is None else spec.reference_power ** (1 / to_power)
    # In place: of a long clip, each copy would take as much memory as the grid.
    np.maximum(banded, reference * np.float32(1e-12), out=banded)
    banded /= np.float32(reference)
    np.log10(banded, out=banded)
    banded *= 10 * to_power
    banded /= np.float32(spec.range_db)
    banded += 1
    return np.clip(banded, 0, 1, out=banded)


def _banded_spectrum(samples: NDArray[np.float32], spec: FeatureSpec, bank: FilterBank) -> Grid:
    window = hann(spec.fft_samples)
    weights = np.ascontiguousarray(bank.T)
    n_frames = 1 + len(samples) // spec.hop_samples
    banded = np.empty((n_frames, spec.bands), dtype=np.float32)
    for start in range(0, n_frames, BLOCK_FRAMES):
        block = slice(start, min(start + BLOCK_FRAMES, n_frames))
        spectrum = frame_spectrum(_frames(samples, block, spec) * window, spec)
        np.matmul(spectrum, weights, out=banded[block])
    return banded


def frame_spectrum(windowed: NDArray[np.float32], spec: FeatureSpec) -> NDArray[np.float32]:
    """Return what the filter bank weighs of windowed frames, shape [frames, bins]."""
    transform = np.fft.rfft(windowed)
    spectrum = np.asarray(transform.real**2 + transform.imag**2, np.float32)
    if spec.spectrum == "magnitude":
        np.sqrt(spectrum, out=spectrum)
    return spectrum


def _frames(samples: NDArray[np.float32], block: slice, spec: FeatureSpec) -> NDArray[np.float32]:
    """Return some of the frames, shape [n_frames, fft_samples]; beyond the ends is silence."""
    first = block.start * spec.hop_samples - spec.fft_samples // 2
    end = (block.stop - 1) * spec.hop_samples + spec.fft_samples - spec.fft_samples // 2
    within = samples[max(first, 0) : end]
    missing = (max(-first, 0), max(end - len(samples), 0))
    stretch = np.pad(within, missing) if any(missing) else within
    return overlapping(stretch, block.stop - block.start, spec)


def overlapping(
    samples: NDArray[np.float32], n_frames: int, spec: FeatureSpec
) -> NDArray[np.float32]:
    """View samples as frames that overlap, shape [n_frames, fft_samples]; the first begins them."""
    # As sliding_window_view, which takes three times as long for so few frames.
    (step,) = samples.strides
    shape = n_frames, spec.fft_samples
    return as_strided(samples, shape, (spec.hop_samples * step, step), writeable=False)


def hann(length_samples: int) -> NDArray[np.float32]:
    """Return the periodic Hann window, shape [length_samples]."""
    return np.hanning(length_samples + 1)[:-1].astype(np.float32)
