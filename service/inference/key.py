"""Tell the key of a recording from the chords that sound in it.

In a key some chords sound most of the time: in C major C, G, F and Am. Each of the 24 keys makes
what was heard as probable as the product, over time, of the shares that its songs give to chords.
(Noland and Sandler, ISMIR 2006, have such shares in a hidden Markov model, whose key may change.)
Correlating sums over pitch classes with profiles of keys tells the key of songs worse.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.inference.harte import NOTES, root_and_quality
from service.inference.softmax import softmax
from service.inference.timeline import LabelledSegment

MODES = ("major", "minor")
LEAST_ROOTS = 3  # with fewer, chords would do in many keys
LEAST_PROBABILITY = 0.5  # less than all others together is no answer
# Chords repeat, so evidence grows by less than the time that they sound: the mean logarithm counts
# so often, times the root of the seconds. Chosen on 15, 30 and 75 s of songs; of longer ones it is
# not known, and they change their keys more often.
SCALE = 2.6
LONGEST_S = 75.0
LEAST_SHARE = 1e-5  # what no key explains must not decide

# Thousandths of the time that songs of POP909 (637 of its training part) give to the chords on each
# semitone above the tonic, by mode.
_SHARES = {
    "major": {
        "major": (229, 3, 15, 4, 11, 142, 3, 193, 6, 14, 10, 3),
        "minor": (3, 3, 74, 3, 82, 10, 3, 4, 3, 123, 3, 4),
        "dominant": (5, 1, 3, 1, 3, 1, 1, 10, 1, 4, 1, 1),
        "diminished": (1, 1, 2, 1, 1, 2, 4, 1, 2, 1, 2, 2),
    },
    "minor": {
        "major": (44, 6, 4, 105, 3, 22, 3, 55, 118, 3, 136, 3),
        "minor": (241, 3, 4, 3, 4, 92, 3, 83, 4, 3, 3, 3),
        "dominant": (4, 1, 2, 2, 1, 3, 1, 6, 1, 1, 5, 1),
        "diminished": (1, 1, 5, 1, 1, 1, 1, 2, 1, 4, 1, 2),
    },
}
# Qualities in Harte's notation; those that are not here fit many keys.
_FAMILIES = {
    "maj": "major", "maj7": "major", "maj6": "major",
    "min": "minor", "min7": "minor", "min6": "minor",
    "7": "dominant",
    "dim": "diminished", "dim7": "diminished", "hdim7": "diminished",
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """The key of a recording.

    Attributes
    ----------
    label
        Tonic and mode, such as ``A minor``.
    probability
        That it is this one and none of the other 23.
    """

    label: str
    probability: float


@dataclass(frozen=True)
class Chord:
    """What a label says of the key: the pitch class of its root, and its family."""

    root: int
    family: str


def find_key(timeline: Sequence[LabelledSegment], lab_labels: Sequence[str] | None) -> Key | None:
    """Return the most probable key.

    Parameters
    ----------
    timeline
        Which chord sounds when.
    lab_labels
        The labels in Harte's notation; None where they are no chords.

    Returns
    -------
    Key or None
        None where chords on fewer than ``LEAST_ROOTS`` roots sound, or none is more probable than
        all others together.
    """
    if lab_labels is None:
        return None
    chords = _chords(tuple(lab_labels))
    sounding = [s for s in timeline if chords[s.label] is not None and s.segment.length_s > 0]
    if len({chord.root for s in sounding if (chord := chords[s.label])}) < LEAST_ROOTS:
        return None
    durations_s = np.array([s.segment.length_s for s in sounding])
    heard = np.stack([s.probabilities for s in sounding])
    shares = np.log(np.maximum(heard @ _in_keys(chords), LEAST_SHARE))
    scale = SCALE * np.sqrt(min(durations_s.sum(), LONGEST_S))
    logits = scale * np.average(shares, axis=0, weights=durations_s)
    probabilities = softmax(logits)
    best = int(probabilities.argmax())
    if probabilities[best] < LEAST_PROBABILITY:
        return None
    mode, tonic = divmod(best, len(NOTES))
    return Key(f"{NOTES[tonic]} {MODES[mode]}", float(probabilities[best]))


def parse_chord(label: str) -> Chord | None:
    """Return the chord of a label in Harte's notation; None for one that tells no key."""
    chord = root_and_quality(label)
    if chord is None or chord[1] not in _FAMILIES:
        return None
    root, quality = chord
    return Chord(root, _FAMILIES[quality])


@lru_cache(maxsize=8)
def _chords(lab_labels: tuple[str, ...]) -> tuple[Chord | None, ...]:
    return tuple(parse_chord(label) for label in lab_labels)


@lru_cache(maxsize=8)
def _in_keys(chords: tuple[Chord | None, ...]) -> NDArray[np.float64]:
    """Return how much of the time each label sounds in each key, shape [labels, keys]."""
    table = np.zeros((len(chords), len(MODES), len(NOTES)))
    for label, chord in enumerate(chords):
        if chord is None:
            continue
        for mode, name in enumerate(MODES):
            of_family = _SHARES[name][chord.family]
            for tonic in range(len(NOTES)):
                table[label, mode, tonic] = of_family[chord.root - tonic] / 1000
    return table.reshape(len(chords), -1)
