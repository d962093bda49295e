import numpy as np

from training.data.annotation import Annotation

SONG = Annotation(np.array([[0, 2], [2, 3], [3, 6.5]]), ["C:maj", "N", "G:7"])


def test_an_excerpt_begins_at_zero_and_cuts_what_reaches_over_its_ends() -> None:
    part = SONG.between(1.5, 4)
    assert part.labels == ["C:maj", "N", "G:7"]
    assert part.intervals_s.tolist() == [[0, 0.5], [0.5, 1.5], [1.5, 2.5]]


def test_what_lies_outside_an_excerpt_is_gone() -> None:
    assert SONG.between(2, 3).labels == ["N"]


def test_the_longest_label_is_the_one_that_holds_longest_in_all() -> None:
    assert SONG.longest() == "G:7"
    twice = Annotation(np.array([[0, 2.0], [2, 5], [5, 7]]), ["A:min", "C:maj", "A:min"])
    assert twice.longest() == "A:min"
