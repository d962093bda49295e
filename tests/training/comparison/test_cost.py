from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.bundle_files import MODEL_FILE
from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from tests.training.tiny import TOY, unchanged
from training.comparison import cost
from training.comparison.cost import Cost, mean_cost, serving_times_ms
from training.comparison.features import Features

TOY_FEATURES = Features(TOY.inputs.features, TOY.inputs.windows, unchanged)


def test_an_answer_is_timed_on_30_s_with_the_network_that_would_be_served(tmp_path: Path) -> None:
    heard: list[int] = []

    def watched(samples: NDArray[np.float32], spec: FeatureSpec, bank: FilterBank) -> Grid:
        heard.append(len(samples))
        return compute_grid(samples, spec, bank)

    features = replace(TOY_FEATURES, compute=watched)
    features_ms, network_ms = serving_times_ms(features, TOY.build(0), tmp_path)
    assert {round(n / TOY.inputs.features.sample_rate_hz) for n in heard} == {30}
    assert len(heard) > cost.RUNS
    assert features_ms > 0
    assert network_ms > 0
    assert (tmp_path / MODEL_FILE).exists()


def test_several_networks_of_a_system_cost_their_mean_training_and_their_fastest_answer() -> None:
    costs = [
        Cost(parameters=10, epochs=n, fit_s=10.0 * n, features_ms=n, network_ms=2.0 * n)
        for n in (1, 2, 6)
    ]
    mean = mean_cost(costs)
    assert (mean.parameters, mean.epochs, mean.fit_s) == (10, 3, 30.0)
    assert mean.answer_ms == pytest.approx(1 + 2)
