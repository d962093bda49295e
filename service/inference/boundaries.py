"""Move the boundaries between segments to where the sound changes.

Windows are long and far apart, so they tell which chords follow each other but not
exactly when. In the features a change is seen to the frame: on either side of it the
pitch classes stay alike. Each boundary is moved, within reach, to where two constant
sets of pitch classes explain the frames around it best: one change of mean, found by
least squares (Truong, Oudre and Vayatis, Signal Processing 2020).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.inference.features import Grid

BANDS_PER_SEMITONE = 3
REACH_FRAMES = 6  # how far a boundary may move
CONTEXT_FRAMES = 10  # how much of its two segments is looked at
MIN_FRAMES = 2  # what is left of a segment at least
ROUNDS = 2  # a neighbour that moved shows more of the segment, or less
LEAST_NORM = 1e-3

PitchClasses = NDArray[np.float64]  # [frames, 12], or as many as an octave has


def pitch_classes(grid: Grid, bands_per_octave: int) -> PitchClasses:
    """Fold a grid of whole octaves to how strong each pitch class is, whatever the loudness.

    Parameters
    ----------
    grid
        Levels from 0 to 1, shape [frames, bands]; ``BANDS_PER_SEMITONE`` bands a semitone.
    bands_per_octave
        A divisor of the bands, a multiple of those of a semitone.

    Returns
    -------
    ndarray
        Shape [frames, semitones], each frame of mean 0 and length 1; 0 where nothing sounds.
    """
    semitones = grid[:, ::BANDS_PER_SEMITONE]
    for band in range(1, BANDS_PER_SEMITONE):
        semitones = np.maximum(semitones, grid[:, band::BANDS_PER_SEMITONE])
    by_octave = semitones.reshape(len(grid), -1, bands_per_octave // BANDS_PER_SEMITONE)
    levels = by_octave.mean(axis=1, dtype=np.float64)
    levels -= levels.mean(axis=1, keepdims=True)
    norm = np.sqrt((levels**2).sum(axis=1, keepdims=True))
    folded: PitchClasses = levels / np.maximum(norm, LEAST_NORM)
    return folded


def move_boundaries(edges: Sequence[int], pitches: PitchClasses) -> list[int]:
    """Return the boundaries where the pitch classes change most.

    Parameters
    ----------
    edges
        First frame of each segment and, last, the number of frames.
    pitches
        See :func:`pitch_classes`.
    """
    totals = np.concatenate([np.zeros((1, pitches.shape[1])), np.cumsum(pitches, axis=0)])
    moved = list(edges)
    for _ in range(ROUNDS):
        for k in range(1, len(moved) - 1):
            moved[k] = _best_change(totals, moved[k - 1], moved[k], moved[k + 1])
    return moved


def _best_change(totals: PitchClasses, before: int, edge: int, after: int) -> int:
    """Return the frame that best parts the stretch around an edge into two constants."""
    first, last = max(before, edge - CONTEXT_FRAMES), min(after, edge + CONTEXT_FRAMES)
    places = np.arange(
        max(first + MIN_FRAMES, edge - REACH_FRAMES),
        min(last - MIN_FRAMES, edge + REACH_FRAMES) + 1,
    )
    if len(places) == 0:
        return edge
    left = totals[places] - totals[first]
    right = totals[last] - totals[places]
    # The squared error is the total power less this, the power that two means explain.
    explained = (left**2).sum(axis=1) / (places - first) + (right**2).sum(axis=1) / (last - places)
    # Where nothing changes, every place is as good: then it stays.
    near_best = places[explained >= explained.max() - 1e-9]
    return int(near_best[np.abs(near_best - edge).argmin()])
