from pathlib import Path

import numpy as np
import pytest
from mir_eval.chord import encode

from tests.training.songs909 import write_song
from training.data.annotation import Annotation
from training.data.readers.pop909 import Note, read_pop909
from training.synthesis.band import Arrangement, Part, arrange, transposed_label
from training.synthesis.midi import DRUM_CHANNEL

SEEDS = range(8)


@pytest.fixture(params=SEEDS)
def arrangement(request: pytest.FixtureRequest, tmp_path: Path) -> Arrangement:
    (song,) = read_pop909(write_song(tmp_path))
    return arrange(
        song.chords,
        song.keys,
        song.beats_s,
        song.notes(),
        np.random.default_rng(request.param),
        start_s=1.0,
        duration_s=20.0,
    )


def sounding(notes: list[Note], start_s: float, end_s: float) -> set[int]:
    """Return the pitch classes that begin within a stretch."""
    return {note.pitch % 12 for note in notes if start_s - 0.01 <= note.start_s < end_s - 0.1}


def test_some_instrument_plays_all_notes_of_each_chord_and_no_other(
    arrangement: Arrangement,
) -> None:
    accompaniment = list(arrangement.parts[0].notes)
    chords = arrangement.chords
    for label, (start_s, end_s) in zip(chords.labels, chords.intervals_s, strict=True):
        root, bitmap, _ = encode(label)
        expected = (
            {int(root + i) % 12 for i in np.flatnonzero(bitmap > 0)} if label != "N" else set()
        )
        assert sounding(accompaniment, start_s, end_s) == expected, label


@pytest.mark.parametrize("exact_notes", [False, True])
def test_some_songs_keep_their_own_accompaniment_unless_the_notes_must_be_exact(
    tmp_path: Path, exact_notes: bool
) -> None:
    (song,) = read_pop909(write_song(tmp_path, accompanied=True))
    kept = 0
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        arranged = arrange(song.chords, song.keys, song.beats_s, song.notes(), rng,
                           start_s=1.0, duration_s=20.0, exact_notes=exact_notes)  # fmt: skip
        # Its own accompaniment is of a single note.
        kept += len({note.pitch for note in arranged.parts[0].notes}) == 1
    assert kept == 0 if exact_notes else 0 < kept < len(SEEDS)


def test_everything_is_moved_by_the_same_number_of_semitones(arrangement: Arrangement) -> None:
    up = int(encode(arrangement.keys.labels[0])[0])
    assert arrangement.chords.labels[:2] == [
        transposed_label("C:maj", up),
        transposed_label("A:min7", up),
    ]
    tunes = [p for p in arrangement.parts if {n.pitch % 12 for n in p.notes} == {(9 + up) % 12}]
    assert tunes
    assert -50 <= arrangement.detune_cents <= 50


def test_the_midi_lasts_no_longer_than_the_excerpt_and_drums_have_their_channel(
    arrangement: Arrangement,
) -> None:
    midi = arrangement.midi()
    assert midi.length <= 20.01
    programs = {m.channel: m.program for t in midi.tracks for m in t if m.type == "program_change"}
    assert DRUM_CHANNEL not in programs
    assert len(programs) == sum(part.program is not None for part in arrangement.parts)
    bends = {m.pitch for t in midi.tracks for m in t if m.type == "pitchwheel"}
    assert bends == {round(arrangement.detune_cents / 200 * 8_192)}


def test_a_note_that_the_excerpt_cuts_to_nothing_does_not_sound_for_ever() -> None:
    whole = Annotation(np.array([[0.0, 2.0]]), ["C:maj"])
    piano = [Note(0.0, 1.0, 60, 90), Note(1.9998, 2.0, 64, 90)]
    midi = Arrangement([Part(0, piano, 100)], whole, whole, 0.0, 2.0).midi()

    notes = [message for message in midi.tracks[1] if message.type.startswith("note_")]
    assert [(note.type, note.note) for note in notes] == [("note_on", 60), ("note_off", 60)]


@pytest.mark.parametrize(
    ("label", "up", "expected"),
    [
        ("C:maj/3", 2, "D:maj/3"),
        ("Bb:sus4(b7)", 3, "C#:sus4(b7)"),
        ("N", 5, "N"),
        ("F#:min", 0, "F#:min"),
    ],
)
def test_labels_are_transposed(label: str, up: int, expected: str) -> None:
    assert transposed_label(label, up) == expected
