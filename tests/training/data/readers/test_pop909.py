from pathlib import Path

import mido
import numpy as np
import pytest

from tests.training.songs909 import write_song
from training.data.readers.pop909 import Pop909Song, read_pop909
from training.errors import TrainingError


def test_chords_keys_and_beats_are_those_of_the_files(tmp_path: Path) -> None:
    (song,) = read_pop909(write_song(tmp_path))
    assert song.chords.labels[:3] == ["C:maj", "A:min7", "F:sus4/5"]
    assert song.chords.intervals_s[1].tolist() == [2.0, 4.0]
    assert song.keys.labels == ["C:maj"]
    assert np.diff(song.beats_s) == pytest.approx(0.5)


def test_notes_come_when_the_tempo_says(tmp_path: Path) -> None:
    (song,) = read_pop909(write_song(tmp_path))
    notes = song.notes()["MELODY"]
    assert [note.start_s for note in notes[:3]] == pytest.approx([0, 1, 2])
    assert [note.end_s for note in notes[:3]] == pytest.approx([1, 2, 3])
    assert {(note.pitch, note.velocity) for note in notes} == {(69, 80)}


def test_notes_under_a_held_pedal_last_until_it_is_lifted(tmp_path: Path) -> None:
    (song,) = read_pop909(write_song(tmp_path))
    track = mido.MidiTrack([mido.MetaMessage("track_name", name="PIANO")])
    for kind, time in (("down", 0), ("on", 0), ("off", 48), ("up", 432), ("on", 0), ("off", 48)):
        if kind in ("down", "up"):
            value = 127 if kind == "down" else 0
            track.append(mido.Message("control_change", control=64, value=value, time=time))
        else:
            track.append(mido.Message(f"note_{kind}", note=60, time=time))
    midi = mido.MidiFile(ticks_per_beat=480)
    midi.tracks.append(track)
    midi.save(song.folder / "007.mid")
    assert [(n.start_s, n.end_s) for n in song.notes()["PIANO"]] == [(0, 0.5), (0.5, 0.55)]


def test_every_fifth_song_is_held_out() -> None:
    held_out = [n for n in range(1, 21) if Pop909Song(Path(f"{n:03}")).held_out]
    assert held_out == [5, 10, 15, 20]


def test_a_folder_without_songs_says_what_should_be_there(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"chord_midi\.txt"):
        read_pop909(tmp_path)


def test_a_song_with_a_file_missing_names_it(tmp_path: Path) -> None:
    (song,) = read_pop909(write_song(tmp_path))
    (song.folder / "key_audio.txt").unlink()
    with pytest.raises(TrainingError, match=r"key_audio\.txt does not exist"):
        _ = song.keys
