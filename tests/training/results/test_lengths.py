import numpy as np

from tests.training.runs import make_fold, with_cuts
from tests.training.tiny import TINY_GENRE
from training.results.lengths import cut_lengths, own_lengths


def test_clips_are_sorted_by_how_long_they_are() -> None:
    heard_s = np.array([0.5, 2.0, 2.5, 30.0, 30.001, 200.0])
    right = np.array([False, True, False, True, True, False])
    found = own_lengths(heard_s, right, ["a", "b", "c", "d", "e", "f"])
    assert [(one.heard, one.clips, one.accuracy.value) for one in found] == [
        ("0 to 1 s", 1, 0.0),
        ("1 to 3 s", 2, 0.5),
        ("10 to 30 s", 1, 1.0),
        ("30 to 90 s", 1, 1.0),
        ("over 90 s", 1, 0.0),
    ]
    assert found[1].median_s == 2.25


def test_the_folds_are_pooled_and_clips_that_are_no_longer_do_not_count() -> None:
    folds = [with_cuts(make_fold(TINY_GENRE, name), {1.0: 1.0}, 5.0) for name in ("one", "two")]
    folds[0].cut_logits[0, :10] = np.nan
    short, whole = cut_lengths(folds)
    assert (short.heard, short.clips, whole.heard, whole.clips) == ("1 s", 38, "whole clips", 48)
    assert short.accuracy.low < short.accuracy.value < short.accuracy.high


def test_without_cuts_there_is_nothing_to_tell() -> None:
    assert cut_lengths([make_fold(TINY_GENRE)]) == []
