"""Tell how far a recording is tuned from A = 440 Hz, and move its features back.

With three bands a semitone, the first of them in tune, tones that are in tune sound most in every
third band, and those that are too high in the next one as well. What sounds, as a wave over the
bands of the period of a semitone, has its phase at the deviation. Single tones are told to 3 cents,
drawn towards the nearest band; of songs, in which such errors differ, the mean error is smaller.

Networks know features that are out of tune by some cents as well as others, and worse those that
are out by half a semitone. Moving all bands by what is told makes them alike. Near half a semitone
nothing tells whether it is too high or too low: then each is moved the shorter way.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.inference.boundaries import BANDS_PER_SEMITONE
from service.inference.features import FeatureSpec, Grid
from service.inference.windows import Segment

CENTS_PER_SEMITONE = 100
# How much of what sounds must agree: at most 0.015 of noise does, and 0.07 of songs at least.
LEAST_AGREEMENT = 0.03
SPAN_FRAMES = 1024  # at a time, so that memory stays bounded


def tuning_cents(grid: Grid, spec: FeatureSpec, sounding: Sequence[Segment]) -> float | None:
    """Return how much higher than A = 440 Hz a recording is tuned, from -50 to 50 cents.

    Beyond half a semitone, the nearest semitone is what it is compared with.

    Parameters
    ----------
    grid
        Levels from 0 to 1, shape [frames, bands]; ``BANDS_PER_SEMITONE`` bands a semitone, of
        which the first is in tune.
    spec
        How they were computed.
    sounding
        Where something sounds that has a pitch.

    Returns
    -------
    float or None
        None where no tones sound.
    """
    totals = np.zeros(grid.shape[1])
    for segment in sounding:
        frames = slice(round(segment.start_s / spec.hop_s), round(segment.end_s / spec.hop_s))
        totals += total_magnitudes(grid[frames], spec)
    return cents_of(totals)


def total_magnitudes(grid: Grid, spec: FeatureSpec) -> NDArray[np.float64]:
    """Return how much sounds in each band, in all frames of a grid together, shape [bands]."""
    nepers = np.float32(spec.range_db / 20 * np.log(10))
    totals = np.zeros(grid.shape[1])
    for first in range(0, len(grid), SPAN_FRAMES):
        # Less one, so that what lies below the range counts for nothing.
        magnitudes = np.expm1(nepers * grid[first : first + SPAN_FRAMES])
        totals += magnitudes.sum(axis=0, dtype=np.float64)
    return totals


def cents_of(totals: NDArray[np.float64]) -> float | None:
    """Return the tuning, as :func:`tuning_cents`, of how much sounds in each band."""
    phases = np.exp(2j * np.pi * np.arange(len(totals)) / BANDS_PER_SEMITONE)
    wave = totals @ phases
    total = totals.sum()
    if total == 0 or abs(wave) < LEAST_AGREEMENT * total:
        return None
    return float(CENTS_PER_SEMITONE * np.angle(wave) / (2 * np.pi))


def bring_in_tune(grid: Grid, spec: FeatureSpec, beyond_cents: float | None) -> Grid:
    """Return the features of a recording as they would be if it were in tune.

    Parameters
    ----------
    grid, spec
        As for :func:`tuning_cents`.
    beyond_cents
        What is out of tune by no more than this stays, to the last bit, as it is; None for all.
    """
    if beyond_cents is None:
        return grid
    return retuned(grid, cents_to_move(cents_of(total_magnitudes(grid, spec)), beyond_cents))


def cents_to_move(cents: float | None, beyond_cents: float) -> float:
    """Return how far down to move what is tuned so; 0 for not at all."""
    return 0.0 if cents is None or abs(cents) <= beyond_cents else cents


def retuned(grid: Grid, cents: float) -> Grid:
    """Return features of what sounded so many cents higher than in tune, moved down by them.

    Between two bands, as training moves them to learn from what is out of tune. What comes in at
    the end is as loud as the last band. Not moved at all, it is the same grid.
    """
    if not cents:
        return grid
    n_bands = grid.shape[1]
    places = np.arange(n_bands) + cents / CENTS_PER_SEMITONE * BANDS_PER_SEMITONE
    places = np.clip(places, 0, n_bands - 1)
    below = np.minimum(places.astype(np.intp), n_bands - 2)
    part = (places - below).astype(np.float32)
    moved = np.empty_like(grid)
    for first in range(0, len(grid), SPAN_FRAMES):
        span = slice(first, first + SPAN_FRAMES)
        moved[span] = grid[span, below] * (1 - part) + grid[span, below + 1] * part
    return moved
