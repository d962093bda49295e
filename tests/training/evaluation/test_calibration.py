import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.softmax import softmax
from training.evaluation.calibration import (
    AGREEING,
    FLAGGED_SHARE,
    SURE,
    fit_mixture,
    fit_temperature,
    fit_uncertain_below,
    negative_log_likelihood,
)
from training.evaluation.metrics import expected_calibration_error


def honest_logits(n: int = 4_000) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return logits whose softmax is how often each label is the true one."""
    rng = np.random.default_rng(0)
    logits = 2 * rng.standard_normal((n, 4))
    truth = np.array([rng.choice(4, p=p) for p in softmax(logits)])
    return logits, truth


@pytest.mark.parametrize("factor", [0.4, 1.0, 3.0])
def test_the_temperature_undoes_a_known_factor(factor: float) -> None:
    logits, truth = honest_logits()
    assert fit_temperature(factor * logits, truth) == pytest.approx(factor, rel=0.1)


def test_no_other_temperature_is_likelier() -> None:
    logits, truth = honest_logits(500)
    best = fit_temperature(2.5 * logits, truth)

    loss = negative_log_likelihood(2.5 * logits / best, truth)

    for other in (0.5 * best, 0.9 * best, 1.1 * best, 2 * best):
        assert negative_log_likelihood(2.5 * logits / other, truth) > loss


@pytest.mark.usefixtures("all_mixtures")
@pytest.mark.parametrize("told_share", [0.3, 1.0])
def test_a_mixture_finds_how_many_answers_tell_nothing(told_share: float) -> None:
    logits, truth = honest_logits(2_500)
    rng = np.random.default_rng(1)
    guesses = np.array([0.7, 0.1, 0.1, 0.1])
    told = rng.random(len(truth)) < told_share
    truth = np.where(told, truth, rng.choice(4, len(truth), p=guesses))

    temperature, weight = fit_mixture(2 * logits, truth, guesses)

    # Of 0.3 few answers are left to tell the temperature by: many are about as likely.
    assert temperature == pytest.approx(2, rel=0.15 if told_share > 0.5 else 0.25)
    assert weight == pytest.approx(told_share, abs=0.06)


def leaning_logits(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return logits that lean to the true label without saying how much."""
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, 2_000, p=[0.4, 0.3, 0.2, 0.1])
    logits = rng.standard_t(2, (2_000, 4))
    logits[np.arange(2_000), truth] += 1
    return logits, truth


def fitted(
    logits: NDArray[np.float64], truth: NDArray[np.int64], shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the confidences of the fitted mixture, and which of its answers are right."""
    temperature, weight = fit_mixture(logits, truth, shares)
    mixed = weight * softmax(logits / temperature) + (1 - weight) * shares
    return mixed.max(axis=1), mixed.argmax(axis=1) == truth


@pytest.mark.usefixtures("all_mixtures")
@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_mixture_is_right_as_often_as_it_is_sure(seed: int) -> None:
    logits, truth = leaning_logits(seed)

    sure, right = fitted(logits, truth, np.bincount(truth) / len(truth))

    assert sure.mean() == pytest.approx(right.mean(), abs=AGREEING)
    # Also among its surest answers and its least sure: the likeliest that agrees on the whole is
    # off by more than this.
    assert expected_calibration_error(sure, right) < 0.02


@pytest.mark.usefixtures("all_mixtures")
def test_a_mixture_knows_of_answers_that_are_wrong_however_sure() -> None:
    logits, truth = honest_logits()
    rng = np.random.default_rng(3)
    truth = np.where(rng.random(len(truth)) < 0.1, rng.choice(4, len(truth)), truth)

    assert expected_calibration_error(*fitted(logits, truth, np.full(4, 0.25))) < 0.02


def test_the_likelihood_is_what_the_definition_says() -> None:
    logits = np.log([[0.7, 0.3], [0.2, 0.8]])
    expected = -(np.log(0.7) + np.log(0.2)) / 2
    assert negative_log_likelihood(logits, np.array([0, 0])) == pytest.approx(expected)


def test_a_hopeless_answer_costs_much_but_not_infinitely() -> None:
    logits = np.array([[2000.0, 0.0]])
    loss = negative_log_likelihood(logits, np.array([1]))
    assert 20 < loss < np.inf


def test_the_threshold_flags_a_tenth_of_the_clips() -> None:
    confidences = np.random.default_rng(1).uniform(0.3, 1.0, 2_000)

    threshold = fit_uncertain_below(confidences)

    assert np.mean(confidences < threshold) == pytest.approx(FLAGGED_SHARE, abs=0.005)


@pytest.mark.parametrize(("confidence", "threshold"), [(0.75, 0.75), (1.0, SURE)])
def test_the_threshold_of_equal_confidences_is_that_confidence_but_nothing_sure_is_flagged(
    confidence: float, threshold: float
) -> None:
    assert fit_uncertain_below(np.full(10, confidence)) == threshold
