import keras
import numpy as np
from numpy.typing import NDArray

from training.fitting.first_step import make_variables

OUTPUTS = {"logits": 2, "teacher": 3}


class Counted(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """A squared error that counts how often it is traced."""

    traced = 0

    def call(self, y_true: object, y_pred: object) -> object:
        Counted.traced += 1
        return keras.losses.mean_squared_error(y_true, y_pred)


def weights_after_a_fit(*, ready: bool) -> tuple[list[NDArray[np.float32]], int]:
    """Fit a network with all that a first step could disturb; return how often it was traced."""
    keras.utils.set_random_seed(1)
    window = keras.Input((4, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Flatten()(window))
    x = keras.layers.Dropout(0.5)(x)
    outputs = {name: keras.layers.Dense(n, name=name)(x) for name, n in OUTPUTS.items()}
    network = keras.Model(window, outputs)
    network.compile(keras.optimizers.AdamW(0.01), {name: Counted() for name in OUTPUTS})
    Counted.traced = 0
    if ready:
        make_variables(network)
        Counted.traced = 0
    windows = np.random.default_rng(0).random((8, 4, 3), np.float32)
    targets = {name: np.ones((8, n), np.float32) for name, n in OUTPUTS.items()}
    network.fit(windows, targets, epochs=2, verbose=0, shuffle=False)
    return network.get_weights(), Counted.traced


def test_the_first_step_is_traced_once_and_the_network_becomes_the_same() -> None:
    as_keras_does, _ = weights_after_a_fit(ready=False)
    made_before, once = weights_after_a_fit(ready=True)

    assert once == len(OUTPUTS)
    for one, other in zip(made_before, as_keras_does, strict=True):
        np.testing.assert_array_equal(one, other)
