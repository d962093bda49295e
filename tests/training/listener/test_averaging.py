import keras
import numpy as np
import pytest
from keras import layers

from training.listener.averaging import averaged, settle

BATCHES = [np.full((4, 3), level, np.float32) + np.eye(4, 3, dtype=np.float32) for level in (1, 5)]


def network() -> keras.Model:
    """Return one dense layer and a normalisation, whose optimizer keeps half of the average."""
    window = keras.Input((3,))
    model = keras.Model(window, layers.BatchNormalization()(layers.Dense(2)(window)))
    optimizer = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.5)
    model.compile(optimizer, loss="mse", jit_compile=False)
    return model


def test_statistics_are_those_of_all_batches_alike() -> None:
    model = network()
    dense, norm = model.layers[1:]

    settle(model, BATCHES)

    said = [dense(batch).numpy() for batch in BATCHES]
    np.testing.assert_allclose(
        norm.moving_mean.numpy(), np.mean([s.mean(axis=0) for s in said], axis=0), rtol=1e-4
    )
    np.testing.assert_allclose(
        norm.moving_variance.numpy(), np.mean([s.var(axis=0) for s in said], axis=0), rtol=1e-3
    )
    assert norm.momentum == 0.99


def test_a_network_at_work_has_the_average_for_a_while() -> None:
    model = network()
    wanted = np.ones((4, 2), np.float32)
    steps = []
    for _ in range(3):
        model.train_on_batch(BATCHES[0], wanted)
        steps.append(model.layers[1].get_weights()[0])
    at_work = model.get_weights()

    with averaged(model, BATCHES):
        kernel = model.layers[1].get_weights()[0]
        np.testing.assert_allclose(kernel, steps[0] / 4 + steps[1] / 4 + steps[2] / 2, rtol=1e-5)
        assert model.layers[2].moving_mean.numpy().tolist() != at_work[4].tolist()

    for weight, before in zip(model.get_weights(), at_work, strict=True):
        np.testing.assert_array_equal(weight, before)


def test_it_goes_on_at_work_after_a_failure() -> None:
    model = network()
    model.train_on_batch(BATCHES[0], np.ones((4, 2), np.float32))
    at_work = model.get_weights()

    with pytest.raises(RuntimeError), averaged(model, BATCHES):
        raise RuntimeError

    np.testing.assert_array_equal(model.get_weights()[0], at_work[0])
