import numpy as np
import pytest

from training.evaluation.paired import Told, compare_answers

pytestmark = pytest.mark.usefixtures("all_resamples")

TRUTH = ["calm", "angry"] * 40
GROUPS = [f"artist-{i // 2}" for i in range(80)]


def wrong(truth: list[str], which: range) -> list[str]:
    other = {"calm": "angry", "angry": "calm"}
    return [other[label] if i in which else label for i, label in enumerate(truth)]


def test_a_better_model_is_told_by_an_interval_above_zero() -> None:
    found = compare_answers(
        TRUTH, Told(wrong(TRUTH, range(40))), Told(wrong(TRUTH, range(4))), GROUPS
    )
    right = found.balanced_accuracy
    assert (found.n, found.groups) == (80, 40)
    assert (right.old.value, right.new.value) == (0.5, 0.95)
    assert right.difference.value == 0.45
    assert right.difference.low > 0.2


def test_the_interval_of_the_difference_leaves_out_what_both_do_alike() -> None:
    old = Told(wrong(TRUTH, range(30)))
    new = Told(wrong(TRUTH, range(2, 30)))
    found = compare_answers(TRUTH, old, new, GROUPS).balanced_accuracy
    spread = found.difference.high - found.difference.low
    assert spread < (found.new.high - found.new.low) / 2


def test_a_model_that_answers_the_same_is_no_different() -> None:
    rng = np.random.default_rng(0)
    answers = Told(wrong(TRUTH, range(int(rng.integers(10, 30)))))
    found = compare_answers(TRUTH, answers, answers, GROUPS)
    difference = found.balanced_accuracy.difference
    assert (difference.low, difference.value, difference.high) == (0, 0, 0)
    assert "+0.000" in found.summary()


def test_the_same_answers_told_surer_or_less_sure_differ_in_their_calibration() -> None:
    answers = wrong(TRUTH, range(0, 80, 4))  # three in four are right
    found = compare_answers(TRUTH, Told(answers, [0.95] * 80), Told(answers, [0.75] * 80), GROUPS)
    assert found.balanced_accuracy.difference.value == 0
    change = found.calibration_error
    assert change is not None
    assert change.old.value == pytest.approx(0.2, abs=1e-3)
    assert change.new.value == pytest.approx(0, abs=1e-3)
    assert change.difference.high < 0
    assert "calibration error 0.200 before, 0.000 now: -0.200 (" in found.summary()


def test_where_one_did_not_keep_how_sure_it_was_nothing_is_told_of_that() -> None:
    found = compare_answers(TRUTH, Told(TRUTH), Told(TRUTH, [0.9] * 80), GROUPS)
    assert found.calibration_error is None
    assert "calibration" not in found.summary()
