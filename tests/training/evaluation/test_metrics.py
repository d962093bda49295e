from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.card import Estimate, Figures
from service.inference.softmax import softmax
from training.evaluation.metrics import (
    Predictions,
    balanced_accuracy,
    confusion_matrix,
    expected_calibration_error,
    macro_f1,
    score,
    wilson_interval,
    with_interval,
)

pytestmark = pytest.mark.usefixtures("all_resamples")

# Three of class 0 (two right), two of class 1 (one right), one of class 2 (right).
TRUTH = np.array([0, 0, 0, 1, 1, 2])
ANSWERS = np.array([0, 0, 1, 1, 2, 2])
LABELS = ("a", "b", "c", "d")


def certain(answers: NDArray[np.int64], confidence: float = 0.9) -> NDArray[np.float64]:
    """Return probabilities that give each answer the same confidence."""
    rest = (1 - confidence) / (len(LABELS) - 1)
    return np.where(np.eye(len(LABELS))[answers] == 1, confidence, rest)


def predictions(
    truth: NDArray[np.int64] = TRUTH,
    answers: NDArray[np.int64] = ANSWERS,
    groups: Sequence[str] | None = None,
) -> Predictions:
    return Predictions(certain(answers), truth, groups or [str(i) for i in range(len(truth))])


def calibrated_predictions(seed: int, n: int = 150) -> Predictions:
    """Return predictions whose confidence is how often they are right."""
    rng = np.random.default_rng(seed)
    probabilities = softmax(2 * rng.standard_normal((n, len(LABELS))))
    truth = np.array([rng.choice(len(LABELS), p=p) for p in probabilities])
    return Predictions(probabilities, truth, [str(g) for g in rng.integers(0, 40, n)])


def figures(scores: Figures) -> dict[str, Estimate]:
    return {
        "accuracy": scores.accuracy,
        "balanced_accuracy": scores.balanced_accuracy,
        "macro_f1": scores.macro_f1,
        "ece": scores.ece,
        **scores.per_class_recall,
    }


def test_balanced_accuracy_is_the_mean_recall() -> None:
    assert balanced_accuracy(TRUTH, ANSWERS) == pytest.approx((2 / 3 + 1 / 2 + 1) / 3)


def test_macro_f1_is_the_mean_of_the_classes_f1() -> None:
    # a: precision 1, recall 2/3. b: 1/2, 1/2. c: 1/2, 1.
    assert macro_f1(TRUTH, ANSWERS) == pytest.approx((4 / 5 + 1 / 2 + 2 / 3) / 3)


def test_a_class_that_is_never_answered_has_an_f1_of_zero() -> None:
    assert macro_f1(np.array([0, 1]), np.array([0, 0])) == pytest.approx((2 / 3 + 0) / 2)


def test_classes_that_no_clip_has_do_not_count() -> None:
    truth, answers = np.array([0, 0]), np.array([0, 3])
    assert balanced_accuracy(truth, answers) == 0.5
    assert macro_f1(truth, answers) == pytest.approx(2 / 3)


def test_the_calibration_error_is_the_mean_gap_over_bins() -> None:
    # Bin 13 (0.867 to 0.933): confidence 0.9, accuracy 1/2. Bin 8: confidence 0.55, accuracy 1.
    confidences = np.array([0.9, 0.9, 0.55])
    right = np.array([True, False, True])
    expected = 2 / 3 * abs(0.9 - 0.5) + 1 / 3 * abs(0.55 - 1)
    assert expected_calibration_error(confidences, right) == pytest.approx(expected)


def test_gaps_of_one_bin_cancel_and_those_of_two_do_not() -> None:
    right = np.array([True, False])
    assert expected_calibration_error(np.array([0.5, 0.5]), right) == pytest.approx(0)
    assert expected_calibration_error(np.array([0.2, 0.8]), right) == pytest.approx(0.8)


def test_full_confidence_falls_into_the_last_bin() -> None:
    right = np.array([False, True])
    expected = abs(1.0 + 0.95 - 1) / 2
    assert expected_calibration_error(np.array([1.0, 0.95]), right) == pytest.approx(expected)


def test_the_confusion_matrix_has_true_classes_as_rows() -> None:
    matrix = confusion_matrix(TRUTH, ANSWERS, [0, 1, 2])
    assert matrix.tolist() == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"),
    # From the published examples of Newcombe (1998), Table I, and the rule of three's limit.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilsons_interval_is_the_published_one(hits: int, n: int, low: float, high: float) -> None:
    interval = wilson_interval(hits, n)

    assert interval.value == pytest.approx(hits / n, abs=5e-5)
    assert interval.low == pytest.approx(low, abs=2e-4)
    assert interval.high == pytest.approx(high, abs=2e-4)


def test_wilsons_interval_mirrors_hits_and_misses() -> None:
    hits, misses = wilson_interval(3, 10), wilson_interval(7, 10)
    assert hits.low == pytest.approx(1 - misses.high)
    assert hits.high == pytest.approx(1 - misses.low)


def test_all_figures_are_those_of_the_definitions() -> None:
    scores = score(predictions(), LABELS)

    assert scores.n == 6
    assert scores.accuracy.value == round(4 / 6, 4)
    assert scores.balanced_accuracy.value == round((2 / 3 + 1 / 2 + 1) / 3, 4)
    assert scores.macro_f1.value == round((4 / 5 + 1 / 2 + 2 / 3) / 3, 4)
    assert scores.ece.value == round(0.9 - 4 / 6, 4)
    assert {k: v.value for k, v in scores.per_class_recall.items()} == {
        "a": round(2 / 3, 4),
        "b": 0.5,
        "c": 1.0,
    }
    assert scores.confusion_labels == ["a", "b", "c"]
    assert scores.confusion_matrix == [[2, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_a_wrong_answer_outside_the_true_classes_has_a_column() -> None:
    scores = score(predictions(np.array([0, 0, 1]), np.array([0, 3, 1])), LABELS)

    assert scores.confusion_labels == ["a", "b", "d"]
    assert scores.confusion_matrix == [[1, 0, 1], [0, 1, 0], [0, 0, 0]]
    assert set(scores.per_class_recall) == {"a", "b"}


def test_every_interval_contains_its_value() -> None:
    for name, figure in figures(score(calibrated_predictions(0), LABELS)).items():
        assert 0 <= figure.low <= figure.value <= figure.high <= 1, name


def test_an_interval_narrows_with_more_clips() -> None:
    few = score(calibrated_predictions(0, n=60), LABELS)
    many = score(calibrated_predictions(0, n=1_500), LABELS)
    for name, figure in figures(many).items():
        wide = figures(few)[name]
        assert figure.high - figure.low < 0.6 * (wide.high - wide.low), name


def test_clips_of_one_group_say_less_than_clips_of_many() -> None:
    rng = np.random.default_rng(0)
    # All clips of an artist are right, or all are wrong.
    artist_is_right = rng.random(40) < 0.6
    truth = np.zeros(400, dtype=np.int64)
    answers = np.repeat(np.where(artist_is_right, 0, 1), 10)
    artists = [f"artist-{i // 10}" for i in range(400)]

    alone = score(predictions(truth, answers), LABELS).accuracy
    grouped = score(predictions(truth, answers, artists), LABELS).accuracy

    assert grouped.value == alone.value
    assert grouped.high - grouped.low > 2 * (alone.high - alone.low)


def test_with_too_few_groups_clips_are_drawn_instead() -> None:
    truth = np.zeros(60, dtype=np.int64)
    answers = np.repeat([0, 1], 30)
    two_groups = [str(i // 30) for i in range(60)]

    grouped = score(predictions(truth, answers, two_groups), LABELS).accuracy

    # Two groups, all right and all wrong, would span everything from 0 to 1.
    assert 0.3 < grouped.low < grouped.high < 0.7


def test_a_perfect_score_still_has_an_interval() -> None:
    accuracy = score(predictions(TRUTH, TRUTH), LABELS).accuracy
    assert accuracy.value == accuracy.high == 1
    assert accuracy.low < 0.7


def test_the_seed_decides_the_intervals() -> None:
    given = calibrated_predictions(1)
    assert score(given, LABELS, seed=3) == score(given, LABELS, seed=3)
    assert score(given, LABELS, seed=3).macro_f1 != score(given, LABELS, seed=4).macro_f1


def test_the_answer_is_the_most_probable_label() -> None:
    given = predictions()
    np.testing.assert_array_equal(given.answers, ANSWERS)
    np.testing.assert_allclose(given.confidences, 0.9)


def test_a_figure_is_told_with_its_interval() -> None:
    assert with_interval(Estimate(value=0.5, low=0.25, high=0.7501)) == "0.500 (0.250 to 0.750)"
    difference = Estimate(value=0.02, low=-0.01, high=0.05)
    assert with_interval(difference, "+.3f") == "+0.020 (-0.010 to +0.050)"
