import keras
import numpy as np
import pytest
from keras import layers

from tests.training.listener.whole import levels, plain_listener, whole_listener
from training.networks import listener
from training.networks.whole_numbers import UNSIGNED, WholeSteps

LARGEST_EXACT = 2**24
"""Up to here, all whole numbers are floating-point ones of single precision."""


@pytest.fixture(scope="module")
def whole() -> keras.Model:
    return whole_listener()


def convolutions(network: keras.Model) -> list[layers.Conv2D]:
    return [layer for layer in network.layers if isinstance(layer, layers.Conv2D)]


def grains(kernel: np.ndarray) -> np.ndarray:
    """Return the largest power of two, 1 at most, of which all weights of a channel are many."""
    found = np.ones(kernel.shape[-1])
    while (off := (kernel % found != 0).any(axis=(0, 1, 2))).any():
        found[off] /= 2
    return found


def test_it_hears_nearly_the_same(whole: keras.Model) -> None:
    windows = levels(8, seed=1)  # others than those that it was rounded on
    plain = plain_listener()

    true, found = (np.asarray(listener.hearing(one)(windows)) for one in (plain, whole))

    off = np.sqrt(np.mean((found - true) ** 2) / np.var(true))
    assert 0 < off < 0.1


def test_between_the_first_and_the_last_convolution_all_is_whole(whole: keras.Model) -> None:
    for convolution in convolutions(whole)[1:-1]:
        for numbers in convolution.get_weights():
            np.testing.assert_array_equal(numbers, np.round(numbers))


def test_steps_of_sums_are_powers_of_two(whole: keras.Model) -> None:
    sums = [layer for layer in whole.layers if isinstance(layer, layers.Add)]
    after = [
        steps
        for steps in whole.layers
        if isinstance(steps, WholeSteps) and any(steps.input is one.output for one in sums)
    ]
    assert len(after) == len(sums) > 0
    for steps in after:
        (factor,) = steps.get_weights()
        assert len(set(factor)) == 1
        assert np.log2(factor[0]) == np.round(np.log2(factor[0]))


@pytest.mark.parametrize("which", ["made anew", "shipped"])
def test_no_sum_of_products_is_too_large_to_be_exact(whole: keras.Model, which: str) -> None:
    network = whole if which == "made anew" else listener.pretrained()
    heard = listener.LEVELS
    for convolution in convolutions(network)[:-1]:
        kernel, bias = convolution.get_weights()
        grain = grains(kernel)
        sums = heard * np.abs(kernel).sum(axis=(0, 1, 2)) + np.abs(bias)
        assert (sums / grain).max() < LARGEST_EXACT
        assert (bias % grain == 0).all()
        heard = UNSIGNED[1]


@pytest.mark.parametrize("which", ["made anew", "shipped"])
def test_two_products_fit_into_sixteen_bits(whole: keras.Model, which: str) -> None:
    """So they are added where a processor has no instruction for more, or they overflow."""
    network = whole if which == "made anew" else listener.pretrained()
    for convolution in convolutions(network)[1:-1]:
        kernel, _ = convolution.get_weights()
        assert 2 * UNSIGNED[1] * np.abs(kernel).max() < 2**15
