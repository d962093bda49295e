"""Learn from songs which chord follows which, in any key and style.

What is counted in one key is counted for all: everything is moved to C. Chords that the vocabulary
lacks count as the nearest that it has. A key that changes changes the count with it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from mir_eval.chord import encode
from numpy.typing import NDArray

from training.data.harte import nearest_chord
from training.data.labels import CHORDS, chord_label
from training.data.readers.pop909 import Pop909Song
from training.progressions.songs import ChordSequence

MODES = ("maj", "min")
# A style of its own beside the modes: pop songs say that sevenths are rare, jazz is made of them.
SEVENTHS = len(MODES)
SEVENTHS_SHARE = 0.3
TIMES = 10  # that a made-up sequence counts as played
# A change that was never seen may come all the same: counts are mixed with those of any chord in
# the key, as if that had been seen so often.
BACKING_CHANGES = 20.0
BACKING_CHORDS = 0.1


@dataclass(frozen=True)
class Sequences:
    """Which chord follows which in C: in major, in minor, and where sevenths are usual.

    Attributes
    ----------
    common
        How much of the time each label sounds, shape [modes, labels].
    change
        Which label comes next when one ends, shape [modes, labels, labels]; rows sum to 1.
    modes
        How common each mode is, shape [modes].
    """

    common: NDArray[np.float64]
    change: NDArray[np.float64]
    modes: NDArray[np.float64]


def learn_sequences(
    songs: Sequence[Pop909Song], with_sevenths: Sequence[ChordSequence]
) -> Sequences:
    """Count the chords and their changes in songs, and in sequences that are full of sevenths."""
    n_labels = len(CHORDS)
    seconds = np.zeros((len(MODES) + 1, n_labels))
    counts = np.zeros((len(MODES) + 1, n_labels, n_labels))
    played = [(SEVENTHS, _played(sequence)) for sequence in with_sevenths]
    for mode, chords in (*(s for song in songs for s in _stretches(song)), *played):
        for label, length_s in chords:
            seconds[mode, label] += length_s
        for (before, _), (after, _) in pairwise(chords):
            counts[mode, before, after] += 1
    # Of a mode that no song is in, all labels are as common.
    seen = seconds + np.maximum(BACKING_CHORDS * seconds.mean(axis=1, keepdims=True), 1e-6)
    common = seen / seen.sum(axis=1, keepdims=True)
    backing = np.repeat(common[:, np.newaxis], n_labels, axis=1)
    backing[:, np.arange(n_labels), np.arange(n_labels)] = 0
    backing /= backing.sum(axis=2, keepdims=True)
    change = counts + BACKING_CHANGES * backing
    modes = seconds[:SEVENTHS].sum(axis=1) / seconds[:SEVENTHS].sum()
    return Sequences(
        common,
        change / change.sum(axis=2, keepdims=True),
        np.array([*modes * (1 - SEVENTHS_SHARE), SEVENTHS_SHARE]),
    )


def _played(sequence: ChordSequence) -> list[tuple[int, float]]:
    labels = [CHORDS.index(chord_label(root, quality)) for root, quality in sequence]
    return [(label, 1.0) for label in labels * TIMES]


def _stretches(song: Pop909Song) -> Iterable[tuple[int, list[tuple[int, float]]]]:
    """Return the mode of each stretch in one key, and its chords moved to C with their lengths."""
    for key, (start_s, end_s) in zip(song.keys.labels, song.keys.intervals_s, strict=True):
        tonic, mode = key.split(":")
        chords: list[tuple[int, float]] = []
        within = song.chords.between(float(start_s), float(end_s))
        down = -int(encode(tonic)[0])
        for label, (start, end) in zip(within.labels, within.intervals_s, strict=True):
            index, length_s = nearest_chord(label, down), float(end - start)
            if chords and chords[-1][0] == index:
                chords[-1] = index, chords[-1][1] + length_s
            else:
                chords.append((index, length_s))
        yield MODES.index(mode), chords
