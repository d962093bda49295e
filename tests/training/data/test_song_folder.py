import json
from pathlib import Path

import numpy as np
import pytest

from tests.audio import noise
from tests.training.made import write_wav
from training.data.annotation import Annotation
from training.data.song_folder import read_song_folder, write_jams
from training.errors import TrainingError

CHORDS = Annotation(np.array([[0, 1.0], [1, 2.5]]), ["C:maj", "A:min7/b3"])
KEYS = Annotation(np.array([[0, 2.5]]), ["C:maj"])


def write_audio(file: Path) -> Path:
    return write_wav(file, noise(0.1, rate_hz=8_000), 8_000)


def test_a_lab_beside_the_audio_tells_the_chords(tmp_path: Path) -> None:
    write_audio(tmp_path / "album" / "a.wav")
    (tmp_path / "album" / "a.lab").write_text("0.0 1.0 C:maj\n1.0 2.5 A:min7/b3\n", "utf-8")
    write_audio(tmp_path / "unknown.wav")

    (song,) = read_song_folder(tmp_path)

    assert song.audio == tmp_path / "album" / "a.wav"
    assert song.chords.labels == CHORDS.labels
    assert song.chords.intervals_s.tolist() == CHORDS.intervals_s.tolist()
    assert (song.keys, song.group) == (None, "a")


def test_songs_of_two_albums_that_are_called_alike_have_each_its_own_chords(
    tmp_path: Path,
) -> None:
    for album, chord in (("one", "C"), ("two", "G")):
        write_audio(tmp_path / album / "01.wav")
        (tmp_path / album / "01.lab").write_text(f"0 1 {chord}\n", "utf-8")

    songs = read_song_folder(tmp_path)

    assert [(song.audio.parent.name, *song.chords.labels) for song in songs] == [
        ("one", "C"), ("two", "G"),
    ]  # fmt: skip


def test_chords_of_which_several_may_be_meant_are_refused(tmp_path: Path) -> None:
    write_audio(tmp_path / "audio" / "01.wav")
    for album in ("one", "two"):
        (tmp_path / album).mkdir()
        (tmp_path / album / "01.lab").write_text("0 1 C\n", "utf-8")

    with pytest.raises(TrainingError, match=r"may both belong to .*put the right one beside it"):
        read_song_folder(tmp_path)


def test_what_is_written_as_jams_is_read_back(tmp_path: Path) -> None:
    write_audio(tmp_path / "b.wav")
    write_jams(tmp_path / "b.jams", CHORDS, KEYS, 2.5, {"group": "007"})

    (song,) = read_song_folder(tmp_path)

    assert song.chords.labels == CHORDS.labels
    assert song.chords.intervals_s == pytest.approx(CHORDS.intervals_s)
    assert song.keys is not None
    assert song.keys.labels == ["C:maj"]
    assert song.group == "007"


def test_the_layout_of_guitarset_is_read_and_its_lead_sheet_counts(tmp_path: Path) -> None:
    write_audio(tmp_path / "audio_mono-mic" / "00_BN1-129-Eb_comp_mic.wav")
    lead, played = (
        {"namespace": "chord", "data": [{"time": 0, "duration": 2, "value": v, "confidence": 1}]}
        for v in ("Eb:maj", "Eb:maj6")
    )
    jams = {"annotations": [{"namespace": "beat_position", "data": []}, lead, played]}
    file = tmp_path / "annotation" / "00_BN1-129-Eb_comp.jams"
    file.parent.mkdir()
    file.write_text(json.dumps(jams), "utf-8")

    (song,) = read_song_folder(tmp_path)

    assert song.chords.labels == ["Eb:maj"]


def test_ends_that_miss_the_next_beginning_are_mended_and_gaps_hold_no_chord(
    tmp_path: Path,
) -> None:
    write_audio(tmp_path / "a.wav")
    (tmp_path / "a.lab").write_text("0 1.001 C\n1.0 2 G\n2.5 3 F\n", "utf-8")
    (song,) = read_song_folder(tmp_path)
    assert song.chords.labels == ["C", "G", "N", "F"]
    assert song.chords.intervals_s.tolist() == [[0, 1.001], [1.001, 2], [2, 2.5], [2.5, 3]]


def test_a_folder_without_chords_says_what_should_be_there(tmp_path: Path) -> None:
    write_audio(tmp_path / "a.wav")
    with pytest.raises(TrainingError, match=r"NAME\.lab"):
        read_song_folder(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.lab", "0.0 1.0 H:maj\n", "H:maj; write chords in Harte's notation"),
        ("a.lab", "0.0 1.0 C:maj\n1.0 two C:maj\n", "value two .*a[.]lab:2"),
        ("a.lab", "no times\n", "3 columns"),
        ("a.lab", "0 2 C\n1 3 G\n", "overlap at 1 s"),
        ("a.lab", "", "names no chord"),
        ("a.jams", "{}", "lacks 'annotations'"),
        ("a.jams", '{"annotations": []}', "no annotation of chords"),
        ("a.jams", "no json", "Expecting value"),
    ],
)
def test_a_broken_truth_is_named(tmp_path: Path, name: str, text: str, told: str) -> None:
    write_audio(tmp_path / "a.wav")
    (tmp_path / name).write_text(text, "utf-8")
    with pytest.raises(
        TrainingError, match=rf"{name.replace('.', '[.]')} cannot be read: .*{told}"
    ):
        read_song_folder(tmp_path)


def test_a_recording_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no sound")
    (tmp_path / "a.lab").write_text("0 1 C\n", "utf-8")
    (song,) = read_song_folder(tmp_path)
    with pytest.raises(TrainingError, match=r"a\.wav cannot be decoded: .*take it out"):
        song.heard([8_000])
