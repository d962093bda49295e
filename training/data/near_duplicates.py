"""Find recordings that are the same, however they were cut or encoded.

After Wang (ISMIR 2003): the peaks of a clip's features are paired with those that follow soon,
and the bands and the distance of a pair are a word. Two clips of one recording have many words
in common, all at the same distance in time; clips of different recordings have a few by chance.
It works on the features at hand, whatever they are.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter

from training.data.cache import HalfGrid

# A peak is the highest in so many frames and bands.
PEAK_FRAMES, PEAK_BANDS = 15, 7
PAIRED_PEAKS = 6
MOST_FRAMES_APART = 64
# A word that more clips have, such as one of a steady hum, tells nothing.
MOST_EQUAL = 24
MIN_COMMON = 12
MIN_COMMON_SHARE = 0.03
# As many times the words at any other distance in time: music on one beat agrees at many.
DOMINANCE = 2
NEAR_SHIFTS = 8
# Of the common words, as many must be different: a steady sound repeats one.
MIN_DISTINCT = 8

Words = NDArray[np.int64]


def near_duplicates(grids: Sequence[HalfGrid]) -> list[tuple[int, int]]:
    """Return the pairs of clips that hold the same recording, each with the lower index first.

    Parameters
    ----------
    grids
        Feature grids of one specification, each of shape [frames, bands].
    """
    words = [_words(grid.astype(np.float32)) for grid in grids]
    lengths = [len(of_clip) for of_clip in words]
    clip = np.repeat(np.arange(len(words)), lengths)
    frame, word = np.concatenate(words).T
    order = np.lexsort((clip, word))
    clip, frame, word = clip[order], frame[order], word[order]
    matches = []
    for lag in range(1, MOST_EQUAL + 1):
        same = (word[lag:] == word[:-lag]) & (clip[lag:] != clip[:-lag])
        one, other = clip[:-lag][same], clip[lag:][same]
        shift = frame[lag:][same] - frame[:-lag][same]
        matches.append(np.stack([one, other, shift, word[lag:][same]], axis=1))
    return _pairs(np.concatenate(matches), lengths)


def joined(n: int, pairs: Sequence[tuple[int, int]]) -> list[int]:
    """Return for each of ``n`` things the first one that a chain of pairs joins it with."""
    first = list(range(n))
    for one, other in sorted(pairs):
        low, high = sorted((first[one], first[other]))
        first = [low if f == high else f for f in first]
    return first


def _pairs(matches: Words, lengths: Sequence[int]) -> list[tuple[int, int]]:
    # Frames of two encodings do not lie alike, so two neighbouring shifts are one.
    matches[:, 2] //= 2
    shifts, common = np.unique(matches[:, :3], axis=0, return_counts=True)
    _, distinct = np.unique(np.unique(matches, axis=0)[:, :3], axis=0, return_counts=True)
    needed = [max(MIN_COMMON, MIN_COMMON_SHARE * min(lengths[i], lengths[j])) for i, j, _ in shifts]
    enough = (common >= needed) & (distinct >= MIN_DISTINCT)
    found = set()
    for one, other, shift in shifts[enough].tolist():
        of_pair = (shifts[:, 0] == one) & (shifts[:, 1] == other)
        near = np.abs(shifts[:, 2] - shift) <= NEAR_SHIFTS
        elsewhere = common[of_pair & ~near].max(initial=0)
        if common[of_pair & near].max() >= DOMINANCE * elsewhere:
            found.add((one, other))
    return sorted(found)


def _words(grid: NDArray[np.float32]) -> Words:
    """Return the frame and the word of each pair of peaks, shape [pairs, 2]."""
    highest = maximum_filter(grid, size=(PEAK_FRAMES, PEAK_BANDS))
    frame, band = np.nonzero((grid == highest) & (grid > grid.mean() + grid.std() / 2))
    pairs = [np.zeros((0, 2), dtype=np.int64)]
    for lag in range(1, PAIRED_PEAKS + 1):
        apart = frame[lag:] - frame[:-lag]
        bands = band[:-lag] * grid.shape[1] + band[lag:]
        near = (apart > 0) & (apart < MOST_FRAMES_APART)
        word = bands * MOST_FRAMES_APART + apart
        pairs.append(np.stack([frame[:-lag], word], axis=1)[near])
    return np.concatenate(pairs)
