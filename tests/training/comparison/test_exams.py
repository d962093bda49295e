from pathlib import Path

import numpy as np
import pytest

from tests.training.made import write_csv, write_moods
from training.comparison.exams import N_FOLDS, across_data_sets, by_artist, gtzan_lists
from training.errors import TrainingError


def write_grids(path: Path) -> Path:
    """Write three training, two validation pictures; the last validation artist is on both."""
    np.savez(
        path,
        mel=np.arange(5 * 128 * 333, dtype=np.uint32).reshape(5, 128, 333).astype(np.uint8),
        name=[f"blues.{n:05d}" for n in range(5)],
        genre=["blues"] * 5,
        split=["train", "train", "train", "valid", "valid"],
        group=["a", "b", "c", "d", "c"],
    )
    return path


def test_no_artist_is_on_both_sides(tmp_path: Path) -> None:
    exam = by_artist("emotion", [write_moods(tmp_path)], N_FOLDS)
    assert sorted(i for fold in exam.folds for i in fold.test) == list(range(6))
    for fold in exam.folds:
        learned = {c.group for i, c in enumerate(exam.clips) if i not in fold.test}
        assert not learned & fold.groups


def test_fewer_folds_are_the_first_ones(tmp_path: Path) -> None:
    data = write_moods(tmp_path)
    assert by_artist("emotion", [data], 1).folds == by_artist("emotion", [data], 3).folds[:1]


def test_faulty_and_unreadable_clips_are_left_out(tmp_path: Path) -> None:
    write_moods(tmp_path, ("extra", "faulty"))
    (tmp_path / "emotion.csv").rename(tmp_path / "genre.csv")
    manifest = tmp_path / "genre.csv"
    words = manifest.read_text("utf-8").replace("emotion", "genre").replace("sad", "jazz")
    manifest.write_text(words.replace("happy", "rock"), "utf-8")
    (tmp_path / "extra-5.wav").unlink()
    exam = by_artist("genre", [tmp_path], 1)
    assert [Path(c.source.name).name for c in exam.clips] == [f"extra-{n}.wav" for n in range(5)]


def test_a_folder_gives_its_audio_though_it_holds_grids(tmp_path: Path) -> None:
    write_moods(tmp_path)
    manifest = write_csv(
        tmp_path / "genre.csv",
        ("file", "genre", "group"),
        [(f"extra-{n}.wav", "blues", f"artist-{n}") for n in range(3)],
    )
    write_grids(tmp_path / "gtzan_mel.npz")
    exam = by_artist("genre", [manifest.parent], 1)
    assert {type(clip.source).__name__ for clip in exam.clips} == {"AudioFile"}


def test_data_without_audio_say_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no readable audio with a genre label"):
        by_artist("genre", [write_grids(tmp_path / "grids.npz")], 1)


def test_a_single_artist_cannot_be_held_out(tmp_path: Path) -> None:
    write_moods(tmp_path)
    rows = [(f"extra-{n}.wav", "sad", "one") for n in range(3)]
    data = write_csv(tmp_path / "one.csv", ("file", "emotion", "group"), rows)
    with pytest.raises(TrainingError, match="column 'group'"):
        by_artist("emotion", [data], 1)


def test_each_data_set_is_held_out_in_turn(tmp_path: Path) -> None:
    exam = across_data_sets(by_artist("emotion", [write_moods(tmp_path)], 1))
    assert {fold.name: fold.test for fold in exam.folds} == {
        "first": [0, 1, 2, 3],
        "second": [4, 5],
    }


def test_a_single_data_set_cannot_be_held_out(tmp_path: Path) -> None:
    write_moods(tmp_path)
    rows = [(f"extra-{n}.wav", "sad") for n in range(3)]
    data = write_csv(tmp_path / "one.csv", ("file", "emotion"), rows)
    with pytest.raises(TrainingError, match="leave --across out"):
        across_data_sets(by_artist("emotion", [data], 1))


def test_the_gtzan_lists_hold_out_the_artists_of_the_validation_list(tmp_path: Path) -> None:
    exam = gtzan_lists([write_grids(tmp_path / "grids.npz")])
    assert exam is not None
    (fold,) = exam.folds
    assert fold.test == [3, 4]
    assert fold.groups == {"c", "d"}


def test_without_pictures_there_is_no_such_exam(tmp_path: Path) -> None:
    rows = [("a.wav", "blues")]
    assert gtzan_lists([write_csv(tmp_path / "list.csv", ("file", "genre"), rows)]) is None
