import numpy as np
import pytest

from training.synthesis.midi import KICK, SNARE
from training.synthesis.patterns import (
    Chord,
    play_bass,
    play_chords,
    play_drums,
    voicing,
)

BEATS_S = np.arange(0, 16, 0.5)
CHORDS = [Chord(0.0, 2.0, 0, (0, 4, 7), 4), Chord(2.0, 6.0, 9, (0, 3, 7, 10), 9)]


@pytest.mark.parametrize("seed", range(10))
def test_chords_sound_whole_and_end_when_they_should(seed: int) -> None:
    notes = play_chords(CHORDS, BEATS_S, np.random.default_rng(seed), sustained=False)
    assert all(note.start_s < note.end_s <= 6.0 for note in notes)
    for chord in CHORDS:
        within = {n.pitch % 12 for n in notes if chord.start_s <= n.start_s < chord.end_s}
        assert within == {(chord.root + i) % 12 for i in chord.intervals}


def test_what_is_sustained_is_struck_once() -> None:
    notes = play_chords(CHORDS, BEATS_S, np.random.default_rng(0), sustained=True)
    assert {note.start_s for note in notes} == {0.0, 2.0}


@pytest.mark.parametrize("seed", range(10))
def test_each_chord_begins_on_its_bass(seed: int) -> None:
    notes = play_bass(CHORDS, BEATS_S, np.random.default_rng(seed))
    first = [next(n for n in notes if n.start_s == chord.start_s) for chord in CHORDS]
    assert [note.pitch % 12 for note in first] == [4, 9]
    assert all(28 <= note.pitch <= 51 for note in notes)


def test_drums_strike_kick_and_snare_within_the_song() -> None:
    struck = [play_drums(BEATS_S, 16.0, np.random.default_rng(seed)) for seed in range(6)]
    assert all(KICK in {note.pitch for note in notes} for notes in struck)
    assert any(SNARE in {note.pitch for note in notes} for notes in struck)
    assert max(note.end_s for notes in struck for note in notes) <= 16.0


def test_a_voicing_holds_each_note_of_the_chord_from_the_lowest_up() -> None:
    for seed in range(10):
        pitches = voicing(CHORDS[1], 45, np.random.default_rng(seed))
        assert {p % 12 for p in pitches} == {9, 0, 4, 7}
        assert min(pitches) >= 45
        assert len(pitches) in (4, 5, 6)
