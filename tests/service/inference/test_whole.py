from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.softmax import softmax
from service.inference.timeline import LabelledSegment
from service.inference.whole import (
    LabelShare,
    Whole,
    label_shares,
    say_of_the_whole,
)
from service.inference.windows import Segment

A, B, NOTHING = range(3)
WINDOWS = [Segment(float(n), float(n + 2)) for n in range(9)]  # of a clip of ten seconds


def piece(start_s: float, end_s: float, label: int, sure: float = 0.9) -> LabelledSegment:
    probabilities = np.full(3, (1 - sure) / 2)
    probabilities[label] = sure
    return LabelledSegment(Segment(start_s, end_s), label, probabilities)


def logits(*labels: int, sure: float = 4.0) -> NDArray[np.float64]:
    """Return logits of windows that each favour one label."""
    return sure * np.eye(3)[list(labels)]


def said(
    timeline: Sequence[LabelledSegment],
    window_logits: NDArray[np.float64],
    nothing: int | None = NOTHING,
) -> Whole:
    return say_of_the_whole(timeline, nothing, WINDOWS, lambda: window_logits, softmax)


def whole(
    timeline: Sequence[LabelledSegment],
    window_logits: NDArray[np.float64],
    nothing: int | None = NOTHING,
) -> NDArray[np.float64]:
    return said(timeline, window_logits, nothing).probabilities


@pytest.mark.parametrize("label", [A, B, NOTHING])
def test_a_clip_of_one_label_is_answered_as_the_mean_of_its_windows(label: int) -> None:
    window_logits = logits(*[label] * 8, A) + np.random.default_rng(0).normal(size=(9, 3))
    found = whole([piece(0, 10, label)], window_logits)
    np.testing.assert_allclose(found, softmax(window_logits.mean(axis=0)))


@pytest.mark.parametrize("seconds", [0.5, 1.0, 2.0, 4.0])
def test_a_chord_after_silence_is_the_label_however_long_that_was(seconds: float) -> None:
    silent = 10 - seconds
    window_logits = logits(*[B if w.end_s > silent + 1 else NOTHING for w in WINDOWS])
    found = whole([piece(0, silent, NOTHING), piece(silent, 10, B)], window_logits)
    assert found.argmax() == B
    # Those that hear nothing, or little, of it hardly count.
    assert found[B] > 0.8


def test_windows_count_as_far_as_they_hear_what_sounds() -> None:
    window_logits = logits(*[NOTHING] * 8, A)
    found = whole([piece(0, 9, NOTHING), piece(9, 10, A)], window_logits)
    np.testing.assert_allclose(found, softmax(window_logits[8]))


def test_the_label_that_sounds_longest_is_the_answer() -> None:
    timeline = [piece(0, 3, A), piece(3, 7, B), piece(7, 10, A), piece(10, 30, NOTHING)]
    found = whole(timeline, logits(*[A] * 9))
    np.testing.assert_allclose(found, [0.56, 0.39, 0.05])


def test_a_second_counts_as_much_as_it_is_sure_of() -> None:
    timeline = [piece(0, 6, A, sure=0.4), piece(6, 10, B, sure=0.9)]
    assert whole(timeline, logits(*[A] * 9)).argmax() == B


def test_what_segments_hold_of_other_labels_does_not_outvote_the_longest() -> None:
    timeline = [
        LabelledSegment(Segment(0, 5.2), A, np.array([0.5, 0.5, 0.0])),
        LabelledSegment(Segment(5.2, 8), B, np.array([0.2, 0.8, 0.0])),
    ]
    found = whole(timeline, logits(*[A] * 9))
    assert found.argmax() == A
    assert found[A] == pytest.approx(0.325 + found[NOTHING])


@pytest.mark.parametrize(("sure", "label"), [(0.6, B), (0.99, A)])
def test_windows_that_contradict_the_timeline_count_as_much_as_it(sure: float, label: int) -> None:
    timeline = [piece(0, 10, A, sure)]
    found = whole(timeline, logits(*[B] * 9, sure=3.0))
    np.testing.assert_allclose(found, (softmax(3 * np.eye(3)[B]) + timeline[0].probabilities) / 2)
    assert found.argmax() == label


@pytest.mark.parametrize(("heard", "said"), [(A, NOTHING), (NOTHING, A)])
def test_whether_anything_sounds_is_for_the_timeline_to_tell(heard: int, said: int) -> None:
    found = whole([piece(0, 10, heard, sure=0.6)], logits(*[said] * 9))
    assert found.argmax() == heard


def test_labels_without_one_for_nothing_all_count() -> None:
    timeline = [piece(0, 4, A), piece(4, 10, NOTHING)]
    assert whole(timeline, logits(*[A] * 9), nothing=None).argmax() == NOTHING


@pytest.mark.parametrize("seed", range(50))
def test_the_answer_is_a_distribution_that_agrees_with_what_sounds_longest(seed: int) -> None:
    rng = np.random.default_rng(seed)
    edges = np.sort([0, *rng.uniform(0, 10, rng.integers(6)), 10])
    timeline = [
        LabelledSegment(Segment(a, b), int(rng.integers(3)), rng.dirichlet(np.ones(3)))
        for a, b in pairwise(edges)
    ]
    weights = np.zeros(3)
    for s in timeline:
        weights[s.label] += s.segment.length_s * s.probabilities[s.label]
    if weights[:NOTHING].any():
        weights[NOTHING] = 0

    told = said(timeline, rng.normal(size=(9, 3)))
    found, named = told.probabilities, told.timeline

    if len({s.label for s in timeline} - {NOTHING}) == 1:
        assert {s.label for s in named} - {NOTHING} == {found.argmax()}
    else:
        assert found.argmax() == weights.argmax()
        assert named == timeline
    assert found.sum() == pytest.approx(1)
    assert (found >= 0).all()


def test_a_timeline_of_one_label_is_named_after_the_whole_and_its_silence_is_kept() -> None:
    timeline = [
        piece(0, 1, NOTHING),
        piece(1, 6, A, sure=0.6),
        piece(6, 9, A, sure=0.6),
        piece(9, 10, NOTHING),
    ]
    told = said(timeline, logits(*[B] * 9))
    named = told.timeline
    assert told.probabilities.argmax() == B
    assert [s.label for s in named] == [NOTHING, B, B, NOTHING]
    assert named[0] is timeline[0]
    assert named[1].segment == timeline[1].segment
    np.testing.assert_array_equal(named[1].probabilities, told.probabilities)


def test_shares_are_of_the_time_most_first() -> None:
    timeline = [piece(0, 2, A), piece(2, 3, NOTHING), piece(3, 8, B), piece(8, 10, A)]
    assert label_shares(timeline) == [
        LabelShare(B, 0.5),
        LabelShare(A, 0.4),
        LabelShare(NOTHING, 0.1),
    ]
