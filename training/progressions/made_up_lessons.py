"""Sequences of chords to learn from that hold what pop songs have few of: sevenths, diminished.

Songs are written from them as by :mod:`training.progressions.songs`, whose own sequences are for
measuring. None of those is among these in any key, but single changes of theirs are.
"""

from training.progressions.songs import ChordSequence

# Semitones above the key note, and the quality.
WITH_SEVENTHS: tuple[ChordSequence, ...] = (
    ((2, "m7"), (7, "7"), (0, "maj7"), (5, "maj7"), (9, "m7")),
    ((0, "maj7"), (9, "7"), (2, "m7"), (7, "7")),
    ((0, "m7"), (5, "7"), (0, "m7"), (8, "maj7")),
    ((0, "maj7"), (3, "maj7"), (8, "maj7"), (1, "maj7")),
    ((0, "m7"), (5, "m7"), (0, "m7"), (8, "7"), (7, "7")),
    ((5, "maj7"), (4, "m7"), (2, "m7"), (0, "maj7")),
    ((0, "7"), (3, "7"), (5, "7")),
    ((0, "7"), (5, "7"), (7, "7"), (5, "7")),
    ((4, "m7"), (9, "7"), (2, "m7"), (7, "7"), (0, "maj7")),
    ((0, "m7"), (3, "maj7"), (8, "maj7"), (7, "7")),
    ((0, "maj"), (9, "7"), (2, "7"), (7, "7")),
    ((0, "m7"), (10, "7"), (8, "maj7"), (7, "7")),
)
OF_TRIADS: tuple[ChordSequence, ...] = (
    ((0, "maj"), (5, "maj"), (9, "min"), (7, "maj")),
    ((0, "maj"), (10, "maj"), (5, "maj")),
    ((0, "min"), (10, "maj"), (8, "maj"), (7, "maj")),
    ((0, "maj"), (4, "min"), (5, "maj"), (5, "min")),
    ((0, "min"), (3, "maj"), (10, "maj"), (5, "maj")),
    ((0, "maj"), (4, "7"), (9, "min"), (5, "maj")),
    ((0, "maj"), (3, "dim"), (2, "min"), (7, "maj")),
    ((0, "min"), (5, "min"), (11, "dim"), (7, "maj")),
)
WITH_OTHERS: tuple[ChordSequence, ...] = (
    ((2, "m7b5"), (7, "7"), (0, "min"), (8, "maj7")),
    ((0, "min"), (9, "m7b5"), (2, "7"), (7, "min")),
    ((0, "maj"), (0, "aug"), (0, "6"), (0, "7"), (5, "maj")),
    ((0, "maj"), (4, "aug"), (9, "min"), (7, "aug")),
    ((0, "maj"), (1, "dim7"), (2, "m7"), (7, "7")),
    ((0, "min"), (11, "dim7"), (0, "m6"), (5, "min"), (7, "7")),
    ((0, "6"), (9, "m7"), (2, "m7"), (7, "7")),
    ((5, "6"), (5, "m6"), (0, "6"), (7, "7")),
    ((0, "m6"), (5, "m6"), (7, "7")),
    ((0, "sus4"), (0, "maj"), (7, "sus4"), (7, "maj"), (5, "maj")),
    ((0, "sus2"), (9, "min"), (5, "sus2"), (7, "sus4"), (7, "7")),
    ((9, "sus2"), (9, "min"), (2, "sus4"), (2, "min"), (4, "sus4"), (4, "maj")),
)
