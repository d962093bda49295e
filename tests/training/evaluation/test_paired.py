import numpy as np
import pytest

from training.evaluation.paired import compare_answers

pytestmark = pytest.mark.usefixtures("all_resamples")

TRUTH = ["calm", "angry"] * 40
GROUPS = [f"artist-{i // 2}" for i in range(80)]


def wrong(truth: list[str], which: range) -> list[str]:
    other = {"calm": "angry", "angry": "calm"}
    return [other[label] if i in which else label for i, label in enumerate(truth)]


def test_a_better_model_is_told_by_an_interval_above_zero() -> None:
    found = compare_answers(TRUTH, wrong(TRUTH, range(40)), wrong(TRUTH, range(4)), GROUPS)
    assert (found.n, found.groups) == (80, 40)
    assert (found.old.value, found.new.value) == (0.5, 0.95)
    assert found.difference.value == 0.45
    assert found.difference.low > 0.2


def test_the_interval_of_the_difference_leaves_out_what_both_do_alike() -> None:
    old = wrong(TRUTH, range(30))
    new = wrong(TRUTH, range(2, 30))
    found = compare_answers(TRUTH, old, new, GROUPS)
    spread = found.difference.high - found.difference.low
    assert spread < (found.new.high - found.new.low) / 2


def test_a_model_that_answers_the_same_is_no_different() -> None:
    rng = np.random.default_rng(0)
    answers = wrong(TRUTH, range(int(rng.integers(10, 30))))
    found = compare_answers(TRUTH, answers, answers, GROUPS)
    assert (found.difference.low, found.difference.value, found.difference.high) == (0, 0, 0)
    assert "+0.000" in found.summary()
