from collections.abc import Callable

import keras
import numpy as np
import pytest

from training.comparison.networks import cnn, cnn_lstm, cosine_transform, lstm
from training.compiled import librosa

BUILDERS = [cnn, lstm, cnn_lstm]


@pytest.mark.parametrize("build", BUILDERS)
@pytest.mark.parametrize(("bands", "coefficients"), [(64, 0), (64, 20), (12, 0)])
def test_each_network_has_one_logit_a_label(
    build: Callable[..., keras.Model], bands: int, coefficients: int
) -> None:
    network = build(32, bands, 3, coefficients=coefficients)
    windows = np.random.default_rng(0).random((2, 32, bands), dtype=np.float32)
    assert network.output_names == ["logits"]
    assert network(windows, training=False)["logits"].shape == (2, 3)


def test_the_cosine_transform_makes_the_mfccs_of_librosa() -> None:
    level_db = np.random.default_rng(0).uniform(-80, 0, (64, 5)).astype(np.float32)
    expected = librosa.feature.mfcc(S=level_db, n_mfcc=20).T
    np.testing.assert_allclose(level_db.T @ cosine_transform(64, 20), expected, atol=1e-3)


def test_the_mfcc_layer_is_fixed() -> None:
    network = lstm(16, 64, 2, coefficients=20)
    layer = network.get_layer("mfcc")
    assert not layer.trainable_weights
    np.testing.assert_array_equal(np.asarray(layer.kernel), cosine_transform(64, 20))


def test_a_convolution_reads_the_whole_window() -> None:
    keras.utils.set_random_seed(0)
    network = cnn(32, 64, 2)
    windows = np.random.default_rng(0).random((1, 32, 64), dtype=np.float32)
    changed = windows.copy()
    changed[:, -3:, -3:] += 1
    before, after = (network(w, training=False)["logits"] for w in (windows, changed))
    assert float(np.abs(np.asarray(before) - np.asarray(after)).max()) > 0
