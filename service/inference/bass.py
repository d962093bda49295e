"""Tell which note a chord stands on, where that is another than its root.

A network that names chords hears pitch classes, in whatever octave. What sounds low tells the bass:
each note of the chord could be it, and is the more probable the stronger the tones from it up to
its octave are, on the whole and where the chord begins, when the bass is struck. That is a logistic
regression over the notes of the chord, with the same weights for all twelve pitch classes
(``python -m training learn-bass``). A note of the chord is told only where it is sure, else the
root stands, which is the bass of most chords.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from service.inference.boundaries import BANDS_PER_SEMITONE, strongest_bands
from service.inference.feature_spec import FeatureSpec
from service.inference.features import Grid
from service.inference.harte import NOTES, root_and_quality
from service.inference.softmax import softmax
from service.inference.timeline import Bass, LabelledSegment

LEAST_PROBABILITY = 0.8
LOWEST_SEMITONES = 36  # that are looked at, from the lowest C of the features on
BEGINNING_FRAMES = 6
LEVEL_DB = 10  # what weights are for
# Above the note that may be the bass: all up to the octave, and once more what is strong of a note
# an octave below. Bass guitars play E to B there, below the lowest of the features.
ABOVE = tuple(range(13))
OF_LOWER_OCTAVE = (0, 7, 12)
LOWER_FROM = NOTES.index("E")

# Qualities whose inversions are common enough to learn from, with their notes.
TONES = {
    "maj": ("1", "3", "5"),
    "min": ("1", "b3", "5"),
    "7": ("1", "3", "5", "b7"),
    "maj7": ("1", "3", "5", "7"),
    "min7": ("1", "b3", "5", "b7"),
}
SEMITONES = {"1": 0, "b3": 3, "3": 4, "5": 7, "b7": 10, "7": 11}

# Learned from 320 songs of POP909's training part, played by bands: the weights of ABOVE and of
# OF_LOWER_OCTAVE in the whole segment, then where it begins; and what each degree has ahead.
_WEIGHTS = (
    (1.267, 0.164, -0.325, -0.131, -0.395, -0.456, 0.757, 0.027, -1.055, 0.203, -0.211, 0.188,
     0.803, 0.116, 0.206, -0.55),
    (1.221, 0.013, -0.451, -0.221, 0.028, 0.112, -0.051, -0.169, 0.13, -0.391, -0.273, -0.034,
     0.258, -0.672, 0.699, -0.375),
)  # fmt: skip
_DEGREES = {"1": 0.0, "b3": -1.605, "3": -0.938, "5": -1.486, "b7": -0.424, "7": -0.164}


class Tones(NamedTuple):
    """The notes that a chord may stand on: the pitch class of its root, and their degrees."""

    root: int
    degrees: tuple[str, ...]

    @property
    def pitch_classes(self) -> list[int]:
        """The notes, the root first."""
        return [(self.root + SEMITONES[degree]) % len(NOTES) for degree in self.degrees]


def tell_basses(
    timeline: Sequence[LabelledSegment],
    grid: Grid,
    spec: FeatureSpec,
    lab_labels: Sequence[str] | None,
) -> list[LabelledSegment]:
    """Return a timeline in which chords have their bass where it is surely another than the root.

    Parameters
    ----------
    timeline
        Which chord sounds when.
    grid
        Levels from 0 to 1, shape [frames, bands]; ``BANDS_PER_SEMITONE`` bands a semitone, of
        which the first is a C.
    spec
        How they were computed.
    lab_labels
        The labels in Harte's notation; None where they are no chords.
    """
    chords = {} if lab_labels is None else _chords(tuple(lab_labels))
    if grid.shape[1] < LOWEST_SEMITONES * BANDS_PER_SEMITONE:
        return list(timeline)
    places = [n for n, s in enumerate(timeline) if s.label in chords and s.segment.length_s > 0]
    told = list(timeline)
    if not places:
        return told
    levels = low_levels([timeline[n] for n in places], grid, spec)
    scores = np.einsum("ksl,klp->sp", levels, _matrices())
    for place, of_notes in zip(places, scores, strict=True):
        tones = chords[timeline[place].label]
        logits = of_notes[tones.pitch_classes] + [_DEGREES[degree] for degree in tones.degrees]
        probabilities = softmax(logits)
        best = int(probabilities.argmax())
        if best and probabilities[best] >= LEAST_PROBABILITY:
            note = NOTES[tones.pitch_classes[best]]
            bass = Bass(note, tones.degrees[best], float(probabilities[best]))
            told[place] = replace(timeline[place], bass=bass)
    return told


def low_levels(
    timeline: Sequence[LabelledSegment], grid: Grid, spec: FeatureSpec
) -> NDArray[np.float64]:
    """Return how strong low semitones are, against their mean, shape [2, segments, semitones].

    In tens of decibels: first in the whole segment, then where it begins.
    """
    semitones = strongest_bands(grid[:, : LOWEST_SEMITONES * BANDS_PER_SEMITONE])
    totals = np.zeros((len(grid) + 1, LOWEST_SEMITONES))
    np.cumsum(semitones, axis=0, out=totals[1:])
    ends_s = np.array([(s.segment.start_s, s.segment.end_s) for s in timeline])
    # Frames are centred on multiples of the hop; between two of them lies an end.
    first, last = np.round(ends_s / spec.hop_s + 0.5).astype(np.intp).T
    first = np.clip(first, 0, len(grid) - 1)
    last = np.clip(last, first + 1, len(grid))
    ends = np.stack([last, np.minimum(last, first + BEGINNING_FRAMES)])
    means = (totals[ends] - totals[first]) / (ends - first)[:, :, np.newaxis]
    means *= spec.range_db / LEVEL_DB
    levels: NDArray[np.float64] = means - means.mean(axis=2, keepdims=True)
    return levels


def looked_at() -> NDArray[np.float64]:
    """Return which low semitone each weight is for, shape [weights, semitones, pitch classes]."""
    table = np.zeros((len(ABOVE) + len(OF_LOWER_OCTAVE), LOWEST_SEMITONES, len(NOTES)))
    for note in range(len(NOTES)):
        table[range(len(ABOVE)), np.add(ABOVE, note), note] = 1
        if note >= LOWER_FROM:
            weights = range(len(ABOVE), len(table))
            table[weights, np.add(OF_LOWER_OCTAVE, note), note] = 1
    return table


def tones_of(label: str) -> Tones | None:
    """Return the notes that a chord in Harte's notation may stand on; None where none is told."""
    chord = root_and_quality(label)
    if chord is None or chord[1] not in TONES:
        return None
    root, quality = chord
    return Tones(root, TONES[quality])


@lru_cache(maxsize=8)
def _chords(lab_labels: tuple[str, ...]) -> dict[int, Tones]:
    found = {n: tones_of(label) for n, label in enumerate(lab_labels)}
    return {n: tones for n, tones in found.items() if tones is not None}


@lru_cache(maxsize=1)
def _matrices() -> NDArray[np.float64]:
    """Return what turns low levels into scores, shape [2, semitones, pitch classes]."""
    matrices: NDArray[np.float64] = np.tensordot(np.array(_WEIGHTS), looked_at(), 1)
    return matrices
