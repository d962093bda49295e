from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle import Bundle
from tests.bundles import write_bundle
from training.data.annotation import Annotation
from training.data.labels import CHORDS
from training.errors import TrainingError
from training.progressions.song_lessons import make_lessons, right_labels

SONG = Annotation(np.array([[0, 1.0], [1, 2], [2, 3]]), ["A:min7/5", "N", "D:sus4"])


def names_at(time_s: float) -> set[str]:
    (right,) = right_labels(SONG, np.array([time_s]))
    return {CHORDS[n] for n in np.flatnonzero(right)}


def test_the_label_that_sounds_is_right() -> None:
    assert names_at(0.5) == {"Am7"}
    assert names_at(1.0) == {"N"}
    assert names_at(2.5) == {"Dsus4"}


def test_before_the_first_chord_the_first_is_right() -> None:
    assert names_at(-0.1) == {"Am7"}


def test_a_bundle_of_other_labels_cannot_learn(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "genre"))
    with pytest.raises(TrainingError, match="chords over time"):
        make_lessons([], bundle, (0,))
