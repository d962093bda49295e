import numpy as np
import pytest

from training.data.labels import OUTSIDE
from training.fitting.targets import comment_between, label_shares


@pytest.mark.parametrize("n_labels", [2, 3, 10])
def test_a_label_is_all_of_its_target_and_outside_is_shared_alike(n_labels: int) -> None:
    for label in range(n_labels):
        np.testing.assert_array_equal(label_shares(label, n_labels), np.eye(n_labels)[label])
    outside = label_shares(OUTSIDE, n_labels)
    assert outside.shape == (n_labels,)
    assert outside.sum() == pytest.approx(1)
    assert len(set(outside.tolist())) == 1


@pytest.mark.parametrize(
    ("begin", "end", "said"),
    [
        (0.0, 1.0, 1.5), (0.0, 0.25, 0.0), (0.25, 0.75, 1.5), (0.75, 1.0, 3.0),
        # Of a stretch that lies partly between them, the larger part decides.
        (0.1, 0.4, 0.5), (0.15, 0.35, 1.0), (0.3, 0.3, 1.0), (1.0, 1.0, 3.0),
    ],
)  # fmt: skip
def test_between_two_places_counts_what_lies_mostly_there(
    begin: float, end: float, said: float
) -> None:
    along = np.stack([np.arange(4), -np.arange(4)], axis=1).astype(np.float32)
    np.testing.assert_array_equal(comment_between(along, begin, end), [said, -said])
