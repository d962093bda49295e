from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from training.networks.whole_numbers import SIGNED, UNSIGNED, WholeSteps


def counted(steps: WholeSteps, values: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(steps(np.asarray(values, np.float32)))


def test_halves_are_rounded_to_even_as_onnxruntime_does() -> None:
    found = counted(WholeSteps(*SIGNED), np.array([[0.5, 1.5, 2.5, -0.5, -1.5, 0.51]]))
    np.testing.assert_array_equal(found, [[0, 2, 2, 0, -2, 1]])


def test_counts_keep_to_the_range_of_eight_bits() -> None:
    values = np.array([[-1_000.0, -3.0, 200.0, 1_000.0]])
    np.testing.assert_array_equal(counted(WholeSteps(*UNSIGNED), values), [[0, 0, 200, 255]])
    np.testing.assert_array_equal(counted(WholeSteps(*SIGNED), values), [[-128, -3, 127, 127]])


def test_each_channel_has_a_factor_of_its_own() -> None:
    steps = WholeSteps(*UNSIGNED)
    steps.build((None, 2))
    steps.set_weights([np.array([4.0, 0.5], np.float32)])

    np.testing.assert_array_equal(counted(steps, np.array([[3.0, 10.0]])), [[12, 5]])


def test_it_comes_back_from_a_file_as_it_was(tmp_path: Path) -> None:
    window = keras.Input((3,))
    network = keras.Model(window, WholeSteps(0, 7, name="few")(window))
    network.get_layer("few").set_weights([np.array([1.0, 2.0, 30.0], np.float32)])
    network.save(tmp_path / "network.keras")

    again = keras.models.load_model(tmp_path / "network.keras")

    heard = np.array([[1.2, 1.2, 1.2]], np.float32)
    np.testing.assert_array_equal(np.asarray(again(heard)), [[1, 2, 7]])
    assert not again.trainable_weights
