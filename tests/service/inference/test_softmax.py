import numpy as np
import pytest

from service.inference.softmax import softmax


def test_softmax_of_huge_logits_is_finite_and_sums_to_one() -> None:
    probabilities = softmax(np.array([[1e4, 1e4 - 1, -1e4], [0.0, 0.0, 0.0]], np.float32))

    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    np.testing.assert_allclose(probabilities[1], 1 / 3)
    assert probabilities[0, 0] / probabilities[0, 1] == pytest.approx(np.e)
    assert probabilities.dtype == np.float64
