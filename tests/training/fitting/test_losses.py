import numpy as np

from training.fitting.losses import StandardisedError


def test_the_teachers_targets_are_standardised() -> None:
    mean, spread = np.array([3, -50], np.float32), np.array([1, 100], np.float32)
    loss = StandardisedError(mean, spread)
    told = mean + spread * np.array([[0, 0], [1, -2], [1, -2]], np.float32)
    answered = np.array([[1, 1], [0, -1.5], [1, -2]], np.float32)
    np.testing.assert_allclose(loss.call(told, answered), [1, 0.625, 0], atol=1e-5)


def test_a_target_that_never_changes_leaves_the_loss_finite() -> None:
    loss = StandardisedError(np.ones(2, np.float32), np.zeros(2, np.float32))
    told = np.ones((1, 2), np.float32)
    assert np.isfinite(np.asarray(loss.call(told, told))).all()
    np.testing.assert_array_equal(loss.call(told, 0 * told), [0])
