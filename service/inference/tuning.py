"""Tell how far a recording is tuned from A = 440 Hz.

With three bands a semitone, the first of them in tune, tones that are in tune sound most in every
third band, and those that are too high in the next one as well. What sounds, as a wave over the
bands of the period of a semitone, has its phase at the deviation. Single tones are told to 3 cents,
drawn towards the nearest band; of songs, in which such errors differ, the mean error is smaller.
"""

from collections.abc import Sequence

import numpy as np

from service.inference.boundaries import BANDS_PER_SEMITONE
from service.inference.features import FeatureSpec, Grid
from service.inference.windows import Segment

CENTS_PER_SEMITONE = 100
# How much of what sounds must agree: at most 0.015 of noise does, and 0.07 of songs at least.
LEAST_AGREEMENT = 0.03


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
    magnitudes = np.zeros(grid.shape[1])
    nepers = np.float32(spec.range_db / 20 * np.log(10))
    for segment in sounding:
        frames = slice(round(segment.start_s / spec.hop_s), round(segment.end_s / spec.hop_s))
        # Less one, so that what lies below the range counts for nothing.
        magnitudes += np.expm1(nepers * grid[frames]).sum(axis=0)
    phases = np.exp(2j * np.pi * np.arange(len(magnitudes)) / BANDS_PER_SEMITONE)
    wave = magnitudes @ phases
    total = magnitudes.sum()
    if total == 0 or abs(wave) < LEAST_AGREEMENT * total:
        return None
    return float(CENTS_PER_SEMITONE * np.angle(wave) / (2 * np.pi))
