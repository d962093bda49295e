"""Turn a waveform into the features that a network was trained on.

A feature grid is a banded short-time spectrum: centred frames, periodic Hann window,
a stored filter bank, levels in decibels relative to the loudest band of the clip or to
a fixed power. Where the specification names a loudness, the recording is heard as if it
had been turned up or down to it, and without an offset: then it does not matter how loud
it was recorded.
The specification and the filter bank travel in the model bundle, so that a new
feature needs new data here and no new code. :mod:`training.data.filter_banks` makes the
banks with librosa and tests that both agree.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.inference.filters import Filters
from service.inference.loudness import frame_weights, gated_loudness_lufs

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
    loudness_lufs: float | None = Field(
        default=None,
        description="Gated loudness (ITU-R BS.1770) to which a clip is brought, its offset "
        "removed; by default it stays as it is",
    )

    @model_validator(mode="after")
    def _loudness_counts(self) -> Self:
        if self.loudness_lufs is not None and self.reference_power is None:
            raise ValueError(
                "loudness_lufs needs a reference_power: levels relative to the clip's loudest band "
                "are the same at every loudness"
            )
        return self

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
    bands = measure_bands(samples, spec, bank)
    up_db = gain_db(bands.mean_squares, spec)
    if up_db is None:
        return np.zeros_like(bands.levels)
    return compress(bands.levels, float(bands.levels.max(initial=0.0)), spec, up_db)


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
        self._loudness_weights = None
        self._n_bins = self._filters.n_heard
        if spec.loudness_lufs is not None:
            self._loudness_weights = frame_weights(self._hann, spec.sample_rate_hz)
            self._n_bins = len(self._loudness_weights)

    def measure(self, frames: NDArray[np.float32]) -> Bands:
        """Measure frames of samples, shape [frames, fft_samples]."""
        spectrum = np.abs(np.fft.rfft(frames * self._hann)[:, : self._n_bins])
        is_power = self.spec.spectrum == "power"
        if is_power:
            np.square(spectrum, out=spectrum)
        mean_squares = np.zeros(0, np.float32)
        if self._loudness_weights is not None:
            power = spectrum if is_power else np.square(spectrum)
            mean_squares = power @ self._loudness_weights
        return Bands(self._filters.apply(spectrum), mean_squares)


def measure_bands(samples: NDArray[np.float32], spec: FeatureSpec, bank: FilterBank) -> Bands:
    """Compute the banded spectrum of a waveform, shape [n_samples]."""
    meter = BandMeter(spec, bank)
    n_frames = 1 + len(samples) // spec.hop_samples
    levels = np.empty((n_frames, spec.bands), dtype=np.float32)
    normalised = spec.loudness_lufs is not None
    mean_squares = np.empty(n_frames if normalised else 0, dtype=np.float32)
    offset = np.float32(samples.mean(dtype=np.float64)) if normalised and len(samples) else None
    for start in range(0, n_frames, BLOCK_FRAMES):
        block = slice(start, min(start + BLOCK_FRAMES, n_frames))
        bands = meter.measure(_frames(samples, block, spec, offset))
        levels[block] = bands.levels
        mean_squares[block] = bands.mean_squares
    return Bands(levels, mean_squares)


def gain_db(mean_squares: NDArray[np.float32], spec: FeatureSpec) -> float | None:
    """Return how far to turn a recording up to have the specification's loudness.

    Parameters
    ----------
    mean_squares
        As in :class:`Bands`.
    spec
        How they were computed.

    Returns
    -------
    float or None
        0 for a specification without a loudness; None for a recording that is silent.
    """
    if spec.loudness_lufs is None:
        return 0.0
    heard_lufs = gated_loudness_lufs(mean_squares, spec.hop_s)
    return None if heard_lufs is None else spec.loudness_lufs - heard_lufs


def compress(levels: Grid, loudest: float, spec: FeatureSpec, up_db: float = 0.0) -> Grid:
    """Turn what the filter bank let through into levels from 0 to 1, in place.

    Parameters
    ----------
    levels
        Magnitudes or powers, shape [frames, bands].
    loudest
        The largest of them, or of a longer stretch of the recording that they are part of.
    spec
        How they were computed.
    up_db
        How far to turn them up, see :func:`gain_db`.
    """
    # Decibels are of power, whatever the filter bank weighed.
    to_power = 1 if spec.spectrum == "power" else 2
    if loudest**to_power <= TINY_POWER:
        levels[:] = 0
        return levels
    reference = loudest if spec.reference_power is None else spec.reference_power ** (1 / to_power)
    reference /= 10 ** (up_db / 10 / to_power)
    # In place: of a long clip, each copy would take as much memory as the grid.
    np.maximum(levels, reference * np.float32(1e-12), out=levels)
    levels /= np.float32(reference)
    np.log10(levels, out=levels)
    levels *= 10 * to_power
    levels /= np.float32(spec.range_db)
    levels += 1
    return np.clip(levels, 0, 1, out=levels)


def _frames(
    samples: NDArray[np.float32], block: slice, spec: FeatureSpec, offset: np.float32 | None
) -> NDArray[np.float32]:
    """Return some of the frames, shape [n_frames, fft_samples]; beyond the ends is silence."""
    first = block.start * spec.hop_samples - spec.fft_samples // 2
    end = (block.stop - 1) * spec.hop_samples + spec.fft_samples - spec.fft_samples // 2
    within = samples[max(first, 0) : end]
    if offset is not None:
        within = within - offset
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
