"""What the instruments of a band make of chords and beats."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from training.data.readers.pop909 import Note
from training.synthesis.midi import CLOSED_HAT, KICK, OPEN_HAT, RIDE, SNARE
from training.synthesis.sounds import bass_note

STRUM_S = 0.012  # between neighbouring strings
# Quavers of a bar of four on which something is struck.
STRUMS = ((0, 2, 4, 6), (0, 2, 3, 5, 6, 7), (0, 3, 4, 7), (0, 4), (0, 3, 6), (0,))
KICKS = ((0, 4), (0, 3, 4), (0, 5), (0, 2, 4, 6))
SNARES = ((2, 6), (4,), (2, 6, 7), ())
SWING = 0.34  # how much later at most the second quaver of a beat comes, in beats of 1/2
QUAVERS_PER_BAR = 8

Beats = NDArray[np.float64]


class Chord(NamedTuple):
    """When a chord sounds, and its pitch classes."""

    start_s: float
    end_s: float
    root: int
    intervals: tuple[int, ...]
    bass: int


def play_chords(
    chords: Sequence[Chord], beats_s: Beats, rng: Generator, *, sustained: bool
) -> list[Note]:
    """Play all notes of each chord: held, in blocks, strummed, or one after the other."""
    if sustained:
        how = "held"
    else:
        how = str(rng.choice(["block", "strum", "arpeggio", "held"], p=[0.25, 0.4, 0.25, 0.1]))
    lowest = int(rng.integers(40, 56))
    pattern = STRUMS[int(rng.integers(len(STRUMS)))]
    quavers = _quavers(beats_s, rng)
    rings = rng.random() < 0.7
    notes: list[Note] = []
    for chord in chords:
        pitches = voicing(chord, lowest, rng)
        if how == "held":
            notes += _strike(pitches, chord.start_s, chord.end_s, 0.0, rng)
            continue
        onsets = _onsets(chord, quavers, range(QUAVERS_PER_BAR) if how == "arpeggio" else pattern)
        for n, (onset, until) in enumerate(zip(onsets, [*onsets[1:], chord.end_s], strict=True)):
            if how == "arpeggio":
                end = min(chord.end_s, onset + 1.5) if rings else until
                notes += _strike([pitches[n % len(pitches)]], onset, end, 0.0, rng)
            else:
                end = until if rings else min(until, onset + 0.3)
                notes += _strike(pitches, onset, end, STRUM_S * (how == "strum"), rng)
        if how == "arpeggio" and len(onsets) < len(pitches):
            # A chord too short for its notes one by one is struck whole.
            notes += _strike(pitches, chord.start_s, chord.end_s, STRUM_S, rng)
    return notes


def play_bass(chords: Sequence[Chord], beats_s: Beats, rng: Generator) -> list[Note]:
    """Play the bass of each chord, and on later beats sometimes its fifth or octave."""
    every = int(rng.choice([1, 2, 4, 8]))
    moves = rng.random() < 0.5
    quavers = _quavers(beats_s, rng)
    notes: list[Note] = []
    for chord in chords:
        low = bass_note(chord.bass)
        onsets = _onsets(chord, quavers, range(0, QUAVERS_PER_BAR, every))
        fifth = next((i for i in (7, 6, 8) if i in chord.intervals), 0)
        for n, (onset, until) in enumerate(zip(onsets, [*onsets[1:], chord.end_s], strict=True)):
            pitch = low
            if moves and n % 2 and rng.random() < 0.6:
                pitch = int(rng.choice([low + 12, bass_note(chord.root + fifth)]))
            notes += _strike([pitch], onset, until, 0.0, rng)
    return notes


def play_drums(beats_s: Beats, end_s: float, rng: Generator) -> list[Note]:
    """Keep the beat."""
    kick, snare = KICKS[int(rng.integers(len(KICKS)))], SNARES[int(rng.integers(len(SNARES)))]
    hat = int(rng.choice([CLOSED_HAT, RIDE, OPEN_HAT], p=[0.7, 0.2, 0.1]))
    notes: list[Note] = []
    for n, onset in enumerate(_quavers(beats_s, rng)):
        place = n % QUAVERS_PER_BAR
        struck = (
            [hat] * (rng.random() < 0.95) + [KICK] * (place in kick) + [SNARE] * (place in snare)
        )
        notes += _strike(struck, float(onset), min(float(onset) + 0.15, end_s), 0.0, rng)
    return notes


def voicing(chord: Chord, lowest: int, rng: Generator) -> list[int]:
    """Return the notes of a chord from some note upwards, with one or two of them doubled."""
    pitches = sorted(lowest + (chord.root + i - lowest) % 12 for i in chord.intervals)
    return pitches + [pitch + 12 for pitch in pitches[: int(rng.integers(3))]]


def _strike(
    pitches: Sequence[int], start_s: float, end_s: float, apart_s: float, rng: Generator
) -> list[Note]:
    order = pitches if rng.random() < 0.7 else pitches[::-1]
    return [
        Note(start_s + n * apart_s, end_s, pitch, int(rng.integers(60, 110)))
        for n, pitch in enumerate(order)
        if start_s + n * apart_s < end_s
    ]


def _quavers(beats_s: Beats, rng: Generator) -> Beats:
    """Return the quavers of the beats, swung or not."""
    if len(beats_s) < 2:
        return beats_s
    swing = rng.uniform(0, SWING) if rng.random() < 0.3 else 0.0
    halves = beats_s[:-1] + np.diff(beats_s) * (1 + swing) / 2
    return np.sort(np.concatenate([beats_s, halves]))


def _onsets(chord: Chord, quavers: Beats, pattern: Sequence[int] | range) -> list[float]:
    """Return when something is struck in a chord, whose beginning always is."""
    within = quavers[(quavers > chord.start_s + 0.05) & (quavers < chord.end_s - 0.05)]
    places = 1 + np.arange(len(within))
    struck = within[np.isin(places % QUAVERS_PER_BAR, list(pattern))]
    return [chord.start_s, *struck.tolist()]
