"""Chords in Harte's notation (Harte et al., ISMIR 2005), as the vocabulary has them."""

import numpy as np
from mir_eval.chord import encode

from training.data.labels import CHORDS, INTERVALS, NO_CHORD, chord_label

_QUALITY_OF = {
    **{intervals: quality for quality, intervals in INTERVALS.items()},
    (0, 3, 7, 11): "min", (0, 5, 7, 10): "sus4",
}  # fmt: skip


def nearest_chord(label: str, semitones: int = 0) -> int:
    """Return the index of the chord that is nearest to one in Harte's notation.

    Parameters
    ----------
    label
        The chord; its bass does not count.
    semitones
        How far up it is moved.
    """
    root, bitmap, _ = encode(label)
    if root < 0:
        return CHORDS.index(NO_CHORD)
    intervals = tuple(np.flatnonzero(bitmap > 0).tolist())
    quality = _QUALITY_OF.get(intervals) or ("min" if 3 in intervals else "maj")
    return CHORDS.index(chord_label(int(root) + semitones, quality))
