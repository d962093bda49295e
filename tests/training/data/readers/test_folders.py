from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from training.data.labels import GENRES
from training.data.readers import AudioFile, LabelledClip, SpectrogramImage
from training.data.readers.folders import (
    gtzan_split,
    is_chord_folder,
    read_chord_folder,
    read_gtzan_audio,
    read_gtzan_images,
)


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def write_whole_gtzan(folder: Path, pattern: str) -> Path:
    for genre in GENRES:
        for number in range(100):
            touch(folder / genre / pattern.format(genre=genre, number=number))
    return folder


def test_the_fault_filtered_lists_are_complete() -> None:
    splits = Counter(gtzan_split(f"{genre}.{n:05d}") for genre in GENRES for n in range(100))
    assert splits == {"train": 443, "valid": 197, "test": 290, "faulty": 70}


def test_clips_of_no_list_are_faulty() -> None:
    assert gtzan_split("jazz.00999") == "faulty"


@pytest.mark.parametrize(
    ("pattern", "read"),
    [
        ("{genre}.{number:05d}.wav", read_gtzan_audio),
        ("{genre}{number:05d}.png", read_gtzan_images),
    ],
)
def test_gtzan_has_a_hundred_clips_a_genre_and_the_published_splits(
    tmp_path: Path, pattern: str, read: Callable[[Path], list[LabelledClip]]
) -> None:
    clips = read(write_whole_gtzan(tmp_path, pattern))

    assert Counter(clip.label for clip in clips) == dict.fromkeys(GENRES, 100)
    assert Counter(clip.split for clip in clips) == {
        "train": 443, "valid": 197, "test": 290, "faulty": 70,
    }  # fmt: skip
    assert len({clip.group for clip in clips}) == 1000
    assert {clip.data_set for clip in clips} == {"gtzan"}


def test_audio_and_picture_of_a_clip_are_of_one_group_and_split(tmp_path: Path) -> None:
    wav = touch(tmp_path / "genres_original" / "blues" / "blues.00029.wav")
    png = touch(tmp_path / "images_original" / "blues" / "blues00029.png")

    (audio,) = read_gtzan_audio(tmp_path / "genres_original")
    (picture,) = read_gtzan_images(tmp_path / "images_original")

    assert audio.source == AudioFile(wav)
    assert picture.source == SpectrogramImage(png)
    assert (audio.label, audio.group, audio.split) == (picture.label, picture.group, picture.split)


def test_files_that_are_no_clips_of_gtzan_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "blues" / "blues.00000.wav")
    touch(tmp_path / "blues" / "._blues.00001.wav")
    touch(tmp_path / "blues" / "blues.00002.txt")
    touch(tmp_path / "polka" / "polka.00000.wav")
    touch(tmp_path / "blues.00003.wav")

    assert [Path(clip.source.name).name for clip in read_gtzan_audio(tmp_path)] == [
        "blues.00000.wav"
    ]


def test_a_player_is_one_group_in_all_chords(tmp_path: Path) -> None:
    for chord in ("Am", "Bdim", "C"):
        for take in (1, 2):
            touch(tmp_path / "Training" / chord / f"{chord}_AcusticPlug26_{take}.wav")
            touch(tmp_path / "Training" / chord / f"{chord}_Classic_Jo_{take}.wav")

    clips = read_chord_folder(tmp_path)

    assert Counter(clip.group for clip in clips) == {
        "guitar-chords-v3-training:AcusticPlug26": 6,
        "guitar-chords-v3-training:Classic_Jo": 6,
    }


def test_the_folders_are_labels_and_splits(tmp_path: Path) -> None:
    touch(tmp_path / "Training" / "Am" / "Am_Jo_1.wav")
    touch(tmp_path / "Training" / "Bb" / "Bb_Jo_1.wav")
    touch(tmp_path / "Test" / "Bdim" / "Bdim_Jo_1.wav")

    clips = read_chord_folder(tmp_path)

    assert [(clip.label, clip.split) for clip in clips] == [
        ("Am", "train"),
        ("Bb", "train"),
        ("Bdim", "test"),
    ]
    assert {clip.data_set for clip in clips} == {"guitar-chords-v3"}


def test_players_of_the_two_halves_are_not_taken_for_the_same(tmp_path: Path) -> None:
    touch(tmp_path / "Training" / "Am" / "Am_Jo_1.wav")
    touch(tmp_path / "Test" / "Am" / "Am_Jo_2.wav")

    assert len({clip.group for clip in read_chord_folder(tmp_path)}) == 2


def test_files_without_a_player_are_groups_of_their_own(tmp_path: Path) -> None:
    for take in (1, 2):
        touch(tmp_path / "Training" / "Am" / f"Am_{take}.wav")
        touch(tmp_path / "Training" / "Am" / f"{take}0.wav")

    assert len({clip.group for clip in read_chord_folder(tmp_path)}) == 4


def test_folders_that_are_no_chords_are_left_out(tmp_path: Path) -> None:
    touch(tmp_path / "Training" / "C13" / "C13_Jo_1.wav")
    touch(tmp_path / "Training" / "C" / "C_Jo_1.wav")
    assert [clip.label for clip in read_chord_folder(tmp_path)] == ["C"]


def test_either_half_makes_a_chord_folder(tmp_path: Path) -> None:
    assert not is_chord_folder(tmp_path)
    (tmp_path / "Test").mkdir()
    assert is_chord_folder(tmp_path)
