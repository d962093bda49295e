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

import numpy as np
from numpy.typing import NDArray

from service.inference.bands import BandMeter, Bands, Bins, overlapping
from service.inference.feature_spec import FeatureSpec, FilterBank, Grid
from service.inference.loudness import gated_loudness_lufs

__all__ = ["FeatureSpec", "FilterBank", "Grid", "GridMaker", "compress", "compute_grid", "gain_db"]

# Blocks of this size stay in the processor's cache, twice as fast as the whole clip.
BLOCK_FRAMES = 64
# So many frames have room from the beginning, and then always so many more than there are. Not
# more: to grow costs next to nothing, and room takes memory, as it is filled with zeros.
ROOM_FRAMES = 2048
TINY_POWER = 1e-20


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
    maker = GridMaker(BandMeter(spec, bank))
    maker.add(samples)
    return maker.end()


class GridMaker:
    """Makes the grid of a waveform that comes piece by piece; however it is cut, the same one.

    What depends on all of the waveform is made good at its end, without the waveform: what the
    filter bank let through is in proportion to the level, and an offset adds something known to
    the lowest bins. The frames that the ends cut off are measured last.

    Parameters
    ----------
    meter
        What measures its frames.
    """

    def __init__(self, meter: BandMeter) -> None:
        self._spec = spec = meter.spec
        self._meter = meter
        self._n_samples = 0
        self._sum = 0.0
        # Frames that begin before the waveform does, and the samples that they hear.
        self._n_early = max(1, -(-(spec.fft_samples // 2) // spec.hop_samples))
        self._early = np.zeros(0, np.float32)
        # The next frame, and the samples from there on.
        self._next = self._n_early
        self._rest = np.zeros(0, np.float32)
        self._rest_begin = 0
        self._levels = np.empty((ROOM_FRAMES, spec.bands), np.float32)
        self._mean_squares: list[NDArray[np.float32]] = []
        self._lowest: list[Bins] = []

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples of the waveform, shape [n_samples]."""
        spec = self._spec
        self._n_samples += len(samples)
        if spec.loudness_lufs is not None:
            self._sum += float(samples.sum(dtype=np.float64))
        missing = self._begin(self._n_early - 1) + spec.fft_samples - len(self._early)
        self._early = np.concatenate([self._early, samples[:missing]], dtype=np.float32)
        step = BLOCK_FRAMES * spec.hop_samples  # so that what is joined stays small
        for first in range(0, len(samples), step):
            self._measure_blocks(samples[first : first + step])

    def end(self, gain: float = 1.0) -> Grid:
        """Return the grid of the waveform, of which all has come.

        Parameters
        ----------
        gain
            What its samples should have been multiplied by.
        """
        spec, bands = self._spec, self._all_bands()
        levels = bands.levels
        if gain != 1:
            levels *= np.float32(gain**2 if spec.spectrum == "power" else gain)
        up_db = gain_db(np.float32(gain**2) * bands.mean_squares, spec)
        if up_db is None:
            return np.zeros_like(levels)
        return compress(levels, float(levels.max(initial=0.0)), spec, up_db)

    def _begin(self, frame: int) -> int:
        """Return where a frame begins; of the first ones, before the waveform does."""
        return frame * self._spec.hop_samples - self._spec.fft_samples // 2

    def _measure_blocks(self, samples: NDArray[np.float32]) -> None:
        """Measure the blocks of frames that some more samples complete."""
        spec = self._spec
        stretch = np.concatenate([self._rest, samples], dtype=np.float32)
        end = self._rest_begin + len(stretch)
        while self._begin(self._next + BLOCK_FRAMES - 1) + spec.fft_samples <= end:
            block = stretch[self._begin(self._next) - self._rest_begin :]
            self._measure(overlapping(block, BLOCK_FRAMES, spec))
            self._next += BLOCK_FRAMES
        # Where frames lie apart, the next one may begin later than what has come.
        self._rest = stretch[self._begin(self._next) - self._rest_begin :]
        self._rest_begin = end - len(self._rest)

    def _measure(self, frames: NDArray[np.float32]) -> None:
        if self._spec.loudness_lufs is None:
            bands = self._meter.measure(frames)
        else:
            bands, lowest = self._meter.measure_upper(frames)
            self._lowest.append(lowest)
        self._keep(self._next, bands.levels)
        self._mean_squares.append(bands.mean_squares)

    def _keep(self, first: int, levels: Grid) -> None:
        end = first + len(levels)
        if end > len(self._levels):
            # In place, where blocks in a list would take as much again to be joined.
            self._levels.resize((end + ROOM_FRAMES, self._spec.bands), refcheck=False)
        self._levels[first:end] = levels

    def _all_bands(self) -> Bands:
        """Return the bands of all frames, without an offset where there is a loudness."""
        offset = self._sum / max(self._n_samples, 1)
        n_frames = 1 + self._n_samples // self._spec.hop_samples
        early = self._cut_off(self._early, 0, range(min(self._n_early, n_frames)), offset)
        late_frames = range(self._next, n_frames)
        late = self._cut_off(self._rest, self._rest_begin, late_frames, offset)
        self._keep(0, early.levels)
        self._keep(self._next, late.levels)
        levels = self._levels[:n_frames]
        parts = [early.mean_squares, *self._mean_squares, late.mean_squares]
        bands = Bands(levels, np.concatenate(parts))
        if self._lowest:
            inner = slice(self._n_early, self._next)
            upper = Bands(levels[inner], bands.mean_squares[inner])
            self._meter.add_lowest(upper, np.concatenate(self._lowest), offset)
        return bands

    def _cut_off(
        self, samples: NDArray[np.float32], begin: int, frames: range, offset: float
    ) -> Bands:
        """Measure frames that may reach beyond the ends of the waveform, where there is silence.

        Parameters
        ----------
        samples
            A part of the waveform, or the whole of it.
        begin
            Where that begins.
        frames
            Their numbers.
        offset
            The mean of the waveform.
        """
        fft_samples = self._spec.fft_samples
        first = self._begin(frames.start) - begin
        end = self._begin(frames.stop - 1) + fft_samples - begin
        within = samples[max(first, 0) : max(end, 0)] - np.float32(offset)
        stretch = np.pad(within, (max(-first, 0), max(end - len(samples), 0)))
        return self._meter.measure(overlapping(stretch, len(frames), self._spec))


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
    np.log(levels, out=levels)  # NumPy's log10 takes five times as long where there is no AVX-512
    levels *= np.float32(10 * to_power / np.log(10) / spec.range_db)
    levels += 1
    return np.clip(levels, 0, 1, out=levels)
