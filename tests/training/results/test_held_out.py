from pathlib import Path

from tests.training.runs import make_fold
from tests.training.tiny import TINY_GENRE
from training.results.held_out import (
    HELD_OUT_FILE,
    answers_of,
    hashed,
    read_held_out,
    write_held_out,
)

FOLD = make_fold(TINY_GENRE)


def test_answers_read_back_as_they_were_written(tmp_path: Path) -> None:
    answers = answers_of([FOLD], TINY_GENRE.labels)
    write_held_out(answers, tmp_path / HELD_OUT_FILE)

    assert read_held_out(tmp_path) == answers
    assert len(answers) == len(FOLD.truth)


def test_a_folder_without_the_file_has_no_answers(tmp_path: Path) -> None:
    assert read_held_out(tmp_path) == {}


def test_the_list_does_not_name_the_recordings(tmp_path: Path) -> None:
    write_held_out(answers_of([FOLD], TINY_GENRE.labels), tmp_path / HELD_OUT_FILE)
    text = (tmp_path / HELD_OUT_FILE).read_text("utf-8")
    assert FOLD.clip_names[0] not in text
    assert FOLD.groups[0] not in text


def test_the_same_clip_has_the_same_key_and_another_group_another_one() -> None:
    assert hashed(("made", "a", "1.wav")) == hashed(("made", "a", "1.wav"))
    assert hashed(("made", "a", "1.wav")) != hashed(("made", "b", "1.wav"))
