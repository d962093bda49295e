"""Move the boundaries between segments to where the sound changes.

Windows are long and far apart, so they tell which chords follow each other but not
exactly when. In the features a change is seen to the frame: on either side of it the
pitch classes stay alike. Each boundary is moved, within reach, to where two constant
sets of pitch classes explain the frames around it best: one change of mean, found by
least squares (Truong, Oudre and Vayatis, Signal Processing 2020). Low tones are looked at once
more, as the bass changes with the chord and melodies do not. Frames overlap, so around the best
place the fit falls off smoothly, and the top of a parabola through it lies between frames.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service.inference.features import Grid
from service.inference.parabola import top_offset

BANDS_PER_SEMITONE = 3
REACH_FRAMES = 6  # how far a boundary may move
CONTEXT_FRAMES = 10  # how much of its two segments is looked at
MIN_FRAMES = 2  # what is left of a segment at least
ROUNDS = 2  # a neighbour that moved shows more of the segment, or less
LEAST_NORM = 1e-3
# What the lower half of the octaves says, against what all say together. From 0.5 to 1 songs gain,
# guitars alone lose beyond.
LOW_WEIGHT = 0.7
NEARLY_NOTHING = 1e-9
SPAN_FRAMES = 1024  # at a time, so that memory stays bounded

PitchClasses = NDArray[np.float64]  # [frames, 12], or another number for each set of octaves


def pitch_classes(grid: Grid, bands_per_octave: int) -> PitchClasses:
    """Fold a grid of whole octaves to how strong each pitch class is, whatever the loudness.

    First those of all octaves, then those of the lower half.

    Parameters
    ----------
    grid
        Levels from 0 to 1, shape [frames, bands]; ``BANDS_PER_SEMITONE`` bands a semitone.
    bands_per_octave
        A divisor of the bands, a multiple of those of a semitone.

    Returns
    -------
    ndarray
        Shape [frames, 2 * semitones], in each half each frame of mean 0, the first of length 1,
        the second of ``LOW_WEIGHT``; 0 where nothing sounds.
    """
    spans = range(0, len(grid), SPAN_FRAMES)
    return np.concatenate([_of_span(grid[n : n + SPAN_FRAMES], bands_per_octave) for n in spans])


def strongest_bands(grid: Grid) -> Grid:
    """Return the level of each semitone, that of its strongest band, shape [frames, semitones]."""
    semitones = grid[:, ::BANDS_PER_SEMITONE]
    for band in range(1, BANDS_PER_SEMITONE):
        semitones = np.maximum(semitones, grid[:, band::BANDS_PER_SEMITONE])
    return semitones


def _of_span(grid: Grid, bands_per_octave: int) -> PitchClasses:
    by_octave = strongest_bands(grid).reshape(len(grid), -1, bands_per_octave // BANDS_PER_SEMITONE)
    lower_half = by_octave[:, : max(1, by_octave.shape[1] // 2)]
    return np.concatenate([_folded(by_octave), LOW_WEIGHT * _folded(lower_half)], axis=1)


def _folded(by_octave: NDArray[np.float32]) -> PitchClasses:
    """Return the pitch classes of levels by octave, shape [frames, octaves, semitones]."""
    levels = by_octave.mean(axis=1, dtype=np.float64)
    levels -= levels.mean(axis=1, keepdims=True)
    norm = np.sqrt((levels**2).sum(axis=1, keepdims=True))
    folded: PitchClasses = levels / np.maximum(norm, LEAST_NORM)
    return folded


def move_boundaries(edges: Sequence[int], pitches: PitchClasses) -> list[float]:
    """Return the boundaries where the pitch classes change most, in frames and parts of them.

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
    inner = [
        _between_frames(totals, before, edge, after)
        for before, edge, after in zip(moved, moved[1:], moved[2:], strict=False)
    ]
    return [moved[0], *inner, moved[-1]]


def _best_change(totals: PitchClasses, before: int, edge: int, after: int) -> int:
    """Return the frame that best parts the stretch around an edge into two constants."""
    first, last = _stretch(before, edge, after)
    places = np.arange(
        max(first + MIN_FRAMES, edge - REACH_FRAMES),
        min(last - MIN_FRAMES, edge + REACH_FRAMES) + 1,
    )
    if len(places) == 0:
        return edge
    explained = _explained(totals, first, last, places)
    # Where nothing changes, every place is as good: then it stays.
    near_best = places[explained >= explained.max() - NEARLY_NOTHING]
    return int(near_best[np.abs(near_best - edge).argmin()])


def _between_frames(totals: PitchClasses, before: int, edge: int, after: int) -> float:
    """Return an edge moved by up to half a frame, to the top of a parabola around it."""
    first, last = _stretch(before, edge, after)
    if edge - 1 <= first or edge + 1 >= last:
        return edge
    left, here, right = _explained(totals, first, last, np.arange(edge - 1, edge + 2))
    return edge + top_offset(left, here, right)


def _stretch(before: int, edge: int, after: int) -> tuple[int, int]:
    """Return the first frame around an edge that is looked at, and the one after the last."""
    return max(before, edge - CONTEXT_FRAMES), min(after, edge + CONTEXT_FRAMES)


def _explained(
    totals: PitchClasses, first: int, last: int, places: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return how much of the power two means explain, by where the second begins.

    The squared error is the total power less this.
    """
    left = totals[places] - totals[first]
    right = totals[last] - totals[places]
    power: NDArray[np.float64] = (left**2).sum(axis=1) / (places - first)
    power += (right**2).sum(axis=1) / (last - places)
    return power
