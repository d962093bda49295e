import itertools

import numpy as np
import pytest

from service.inference.viterbi import best_path, staying_path


@pytest.mark.parametrize("seed", range(4))
def test_the_path_is_the_best_of_all(seed: int) -> None:
    rng = np.random.default_rng(seed)
    probabilities, steps = rng.dirichlet(np.ones(3), size=5), rng.normal(size=(3, 3))

    def worth(path: tuple[int, ...]) -> float:
        here = sum(np.log(probabilities[n, label]) for n, label in enumerate(path))
        return float(here + sum(steps[pair] for pair in itertools.pairwise(path)))

    assert tuple(best_path(probabilities, steps)) == max(
        itertools.product(range(3), repeat=5), key=worth
    )


@pytest.mark.parametrize("seed", range(5))
def test_where_all_changes_cost_the_same_the_shorter_search_finds_the_same_path(seed: int) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(3), size=30)
    steps = np.log(np.full((3, 3), 0.1 / 2))
    np.fill_diagonal(steps, np.log(0.9))
    assert list(staying_path(probabilities, 0.1)) == list(best_path(probabilities, steps))
