from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.inference.card import Calibration, LengthCalibration
from tests.training.runs import make_fold
from tests.training.tiny import TINY_GENRE
from training.results.figures import UNCALIBRATED
from training.results.held_out import (
    HELD_OUT_FILE,
    Answer,
    answers_of,
    hashed,
    read_held_out,
    write_held_out,
)

FOLD = make_fold(TINY_GENRE)


def test_answers_read_back_as_they_were_written(tmp_path: Path) -> None:
    answers = answers_of([FOLD], TINY_GENRE.labels, UNCALIBRATED)
    write_held_out(answers, tmp_path / HELD_OUT_FILE)

    assert read_held_out(tmp_path) == answers
    assert len(answers) == len(FOLD.truth)


def test_answers_are_kept_as_they_are_served() -> None:
    """Where half of what is told is guessed by how common labels are, a weak answer gives way."""
    labels = TINY_GENRE.labels
    fold = replace(FOLD, logits=np.zeros_like(FOLD.logits), durations_s=np.ones(len(FOLD.truth)))
    fold.logits[:, 1] = 0.1
    common = [0.0] * len(labels)
    common[0] = 1.0
    calibration = Calibration(
        temperature=1.0,
        by_length=[LengthCalibration(heard_s=1.0, temperature=1.0, weight=0.5)],
        label_shares=common,
        uncertain_below=0.0,
        fitted_on="made up",
    )

    as_trained = answers_of([fold], labels, UNCALIBRATED).values()
    as_served = answers_of([fold], labels, calibration).values()

    assert {one.answer for one in as_trained} == {labels[1]}
    assert {one.answer for one in as_served} == {labels[0]}
    (sure,) = {one.confidence for one in as_served}
    assert sure == pytest.approx(0.5 + 0.5 / (len(labels) - 1 + np.exp(0.1)), abs=1e-4)


def test_a_list_of_before_tells_no_confidence(tmp_path: Path) -> None:
    (tmp_path / HELD_OUT_FILE).write_text("clip,group,truth,answer\na,b,jazz,rock\n")
    assert read_held_out(tmp_path) == {"a": Answer("b", "jazz", "rock")}


def test_a_folder_without_the_file_has_no_answers(tmp_path: Path) -> None:
    assert read_held_out(tmp_path) == {}


def test_the_list_does_not_name_the_recordings(tmp_path: Path) -> None:
    write_held_out(answers_of([FOLD], TINY_GENRE.labels, UNCALIBRATED), tmp_path / HELD_OUT_FILE)
    text = (tmp_path / HELD_OUT_FILE).read_text("utf-8")
    assert FOLD.clip_names[0] not in text
    assert FOLD.groups[0] not in text


def test_the_same_clip_has_the_same_key_and_another_group_another_one() -> None:
    assert hashed(("made", "a", "1.wav")) == hashed(("made", "a", "1.wav"))
    assert hashed(("made", "a", "1.wav")) != hashed(("made", "b", "1.wav"))
