import numpy as np

from training.listener.whole_weights import LARGEST_WEIGHT, rounded_together


def test_what_is_rounded_later_makes_up_for_what_was_lost() -> None:
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((6, 24)) @ rng.standard_normal((24, 24)) * 0.2
    heard = rng.standard_normal((2_000, 6)) @ mixed + 0.05 * rng.standard_normal((2_000, 24))
    matrix = rng.standard_normal((24, 5)).astype(np.float32)
    step = np.abs(matrix).max(axis=0) / 7

    counts = rounded_together(matrix, step, heard.T @ heard)

    def lost(rounded: np.ndarray) -> float:
        return float(np.square(heard @ (rounded * step - matrix)).mean())

    np.testing.assert_array_equal(counts, np.round(counts))
    assert lost(counts) < 0.5 * lost(np.round(matrix / step))


def test_whole_weights_stay_as_they_are() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(-LARGEST_WEIGHT, LARGEST_WEIGHT + 1, (12, 3)).astype(np.float32)
    step = np.array([0.5, 0.01, 2.0])
    heard = rng.standard_normal((100, 12))

    np.testing.assert_array_equal(rounded_together(counts * step, step, heard.T @ heard), counts)


def test_what_is_never_heard_does_no_harm() -> None:
    matrix = np.full((4, 1), 0.3, np.float32)
    found = rounded_together(matrix, np.array([0.3 / LARGEST_WEIGHT]), np.zeros((4, 4)))
    np.testing.assert_array_equal(found, np.full((4, 1), LARGEST_WEIGHT))
