from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from service.inference.bundle_files import MODEL_FILE
from tests.training.runs import write_run
from tests.training.tiny import needs_musicnn
from training.errors import TrainingError
from training.fitting.embedding import on_top
from training.networks import musicnn
from training.networks.architectures import (
    chord_net,
    embedding_net,
    listening_net,
    serving_network,
    statistics_net,
)
from training.results.conversion import convert


def on_untrained_musicnn() -> keras.Model:
    """Build what the recipes of music train, with few filters and both orders of work."""
    front_end = musicnn.FrontEnd((3, 2, 2, 1, 1), (True, False, True, False, True))
    network = musicnn.build(front_end)
    backbone = keras.Model(network.input, keras.layers.Concatenate()(network.output))
    return on_top(backbone, embedding_net(musicnn.HIDDEN + musicnn.TAGS, 10, 2))


@pytest.mark.parametrize(
    "network",
    [
        pytest.param(lambda: chord_net(20, 216, 6, width=4), id="chord_net"),
        pytest.param(lambda: listening_net(32, 48, 10, 2, teacher_targets=5), id="listening_net"),
        pytest.param(on_untrained_musicnn, id="untrained musicnn"),
        pytest.param(
            lambda: on_top(musicnn.embedding(), embedding_net(musicnn.UNITS, 10, 2)),
            id="musicnn",
            marks=needs_musicnn,
        ),
        pytest.param(lambda: statistics_net(57, 10), id="statistics_net"),
    ],
)
def test_every_architecture_converts_faithfully(network: Any, tmp_path: Path) -> None:
    """With weights that no layer starts from, so that one left out would show."""
    keras.utils.set_random_seed(1)
    served = serving_network(network())
    rng = np.random.default_rng(0)
    # Kernels are random or pretrained; all else moves up, for a variance must not be negative.
    served.set_weights(
        [
            w + 0.05 * rng.random(w.shape, np.float32) if w.ndim == 1 else w
            for w in served.get_weights()
        ]
    )
    windows = rng.random((5, *served.input_shape[1:]), dtype=np.float32)

    convert(served, tmp_path / MODEL_FILE, windows)  # compares both

    assert np.std(np.asarray(served(windows))) > 0


def test_a_network_that_answers_nan_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    network = run.network()
    network.set_weights([np.full_like(w, np.nan) for w in network.get_weights()])

    with pytest.raises(TrainingError, match="differ from those of Keras by nan"):
        convert(serving_network(network), tmp_path / MODEL_FILE, run.real_windows())
