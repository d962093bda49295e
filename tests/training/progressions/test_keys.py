import numpy as np
import pytest

from service.inference.key import Key
from training.data.annotation import Annotation
from training.progressions.keys import score_key
from training.progressions.scores import Score

TRUTH = Annotation(np.array([[0.0, 9.0], [9.0, 14.0]]), ["A:min", "F:maj"])


@pytest.mark.parametrize(
    ("told", "value"),
    [("A minor", 1.0), ("E minor", 0.5), ("C major", 0.3), ("A major", 0.2), ("F major", 0.0)],
)
def test_a_key_is_scored_by_how_near_it_is_to_the_longest(told: str, value: float) -> None:
    assert score_key(TRUTH, Key(told, 0.9)) == {"key": Score(value)}


def test_no_answer_scores_nothing() -> None:
    assert score_key(TRUTH, None) == {"key": Score(0.0)}


@pytest.mark.parametrize("label", ["Eb:major", "Eb:maj", "Eb:ionian"])
def test_modes_are_read_as_data_sets_write_them(label: str) -> None:
    truth = Annotation(np.array([[0.0, 1.0]]), [label])
    assert score_key(truth, Key("Eb major", 0.9)) == {"key": Score(1.0)}


@pytest.mark.parametrize("label", ["D:dorian", "D", "N", ""])
def test_what_is_neither_major_nor_minor_is_not_scored(label: str) -> None:
    truth = Annotation(np.array([[0.0, 1.0]]), [label])
    assert score_key(truth, Key("D minor", 0.9)) == {}


def test_without_a_known_key_there_is_no_figure() -> None:
    assert score_key(None, Key("D minor", 0.9)) == {}
    assert score_key(Annotation(np.zeros((0, 2)), []), Key("D minor", 0.9)) == {}
