import numpy as np
import pytest

from service.inference.filters import BLOCK_BANDS, Filters

RNG = np.random.default_rng(0)
N_BINS = 129


def narrow_bank(bands: int) -> np.ndarray:
    """Return filters that hear a few bins each, as far apart as the bins allow."""
    bank = np.zeros((bands, N_BINS), np.float32)
    for band, first in enumerate(np.linspace(0, N_BINS - 5, bands).astype(int)):
        bank[band, first : first + 5] = RNG.uniform(0.1, 1, 5)
    return bank


@pytest.mark.parametrize("bands", [1, BLOCK_BANDS, BLOCK_BANDS + 1, 5 * BLOCK_BANDS - 1])
def test_what_filters_let_through_is_the_product_with_the_whole_bank(bands: int) -> None:
    bank, spectrum = narrow_bank(bands), RNG.uniform(0, 1, (7, N_BINS)).astype(np.float32)
    levels = Filters(bank).apply(spectrum)
    assert levels.dtype == np.float32
    np.testing.assert_allclose(levels, spectrum @ bank.T, rtol=1e-6)


def test_filters_may_hear_everything_or_nothing() -> None:
    bank = np.zeros((BLOCK_BANDS + 1, N_BINS), np.float32)
    bank[0] = 1
    spectrum = RNG.uniform(0, 1, (3, N_BINS)).astype(np.float32)
    levels = Filters(bank).apply(spectrum)
    np.testing.assert_allclose(levels[:, 0], spectrum.sum(axis=1), rtol=1e-5)
    assert not levels[:, 1:].any()


def test_bins_that_no_filter_hears_may_be_left_out() -> None:
    bank = narrow_bank(40)
    bank[:, 60:] = 0
    spectrum = RNG.uniform(0, 1, (3, N_BINS)).astype(np.float32)
    filters = Filters(bank)
    assert filters.n_heard == 60
    np.testing.assert_array_equal(filters.apply(spectrum[:, :60]), filters.apply(spectrum))


def test_the_bank_is_not_copied() -> None:
    bank = narrow_bank(BLOCK_BANDS)
    filters = Filters(bank)
    bank *= 2
    spectrum = np.ones((1, N_BINS), np.float32)
    np.testing.assert_allclose(filters.apply(spectrum), spectrum @ bank.T, rtol=1e-6)
