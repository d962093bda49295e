import itertools

import numpy as np
import pytest

from service.inference.viterbi import best_path


@pytest.mark.parametrize("seed", range(4))
def test_the_path_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    evidence, steps = rng.normal(size=(5, 3)), rng.normal(size=(3, 3))

    def worth(path: tuple[int, ...]) -> float:
        here = sum(evidence[n, label] for n, label in enumerate(path))
        return float(here + sum(steps[pair] for pair in itertools.pairwise(path)))

    assert tuple(best_path(evidence, steps)) == max(
        itertools.product(range(3), repeat=5), key=worth
    )
