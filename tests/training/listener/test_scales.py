import numpy as np
import pytest

from training.listener.lessons import TARGETS, columns
from training.listener.scales import WEIGHTS, Scale, explained_variance

N_VALUES = sum(TARGETS.values())


@pytest.fixture(scope="module")
def targets() -> np.ndarray:
    rng = np.random.default_rng(0)
    causes = rng.standard_normal((400, 12))
    values = causes @ rng.standard_normal((12, N_VALUES)) * 10 ** rng.uniform(-1, 1, N_VALUES)
    return (values + rng.standard_normal(N_VALUES)).astype(np.float16)


@pytest.fixture(scope="module")
def scale(targets: np.ndarray) -> Scale:
    return Scale.of(targets)


def test_the_way_back_leads_to_what_the_teachers_said(scale: Scale, targets: np.ndarray) -> None:
    said = scale.values(scale.learned(targets).astype(np.float32))

    for share in explained_variance(said, targets).values():
        assert share > 0.98


def test_what_is_learned_has_the_variance_of_one_on_the_average(
    scale: Scale, targets: np.ndarray
) -> None:
    learned = scale.learned(targets).astype(np.float32)

    assert learned.var(axis=0).mean() == pytest.approx(1, rel=0.02)


def test_each_teacher_has_its_weight_however_much_it_says(
    scale: Scale, targets: np.ndarray
) -> None:
    learned = scale.learned(targets).astype(np.float32)
    variance = {
        name: learned[:, np.abs(scale.forth[columns(name)]).sum(axis=0) > 0].var(axis=0).sum()
        for name in TARGETS
    }

    for name, weight in WEIGHTS.items():
        share = variance[name] / sum(variance.values())
        assert share == pytest.approx(weight / sum(WEIGHTS.values()), rel=0.02)


def test_who_says_the_mean_explains_nothing(targets: np.ndarray) -> None:
    mean = np.broadcast_to(targets.astype(np.float32).mean(axis=0), targets.shape)

    for share in explained_variance(mean, targets).values():
        assert share == pytest.approx(0, abs=1e-3)
