import numpy as np
import pytest
from numpy.typing import NDArray

from training.synthesis.room import QUICKEST_DECAY_S, echoes

RATE_HZ = 8_000


def click() -> NDArray[np.float64]:
    x = np.zeros(RATE_HZ)
    x[0] = 1.0
    return x


def test_a_click_sounds_on_with_the_energy_it_had_and_no_longer_than_the_tail() -> None:
    heard = echoes(click(), RATE_HZ, np.random.default_rng(1), tail_s=0.4, slowest_decay_s=0.12)

    assert heard.shape == (RATE_HZ,)
    assert np.sum(heard**2) == pytest.approx(1.0)
    np.testing.assert_allclose(heard[int(0.4 * RATE_HZ) :], 0, atol=1e-9)


def test_a_room_dies_away_within_its_bounds() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        heard = echoes(click(), RATE_HZ, rng, tail_s=0.5, slowest_decay_s=0.15)
        t = np.arange(RATE_HZ) / RATE_HZ
        # The energy of an exponential decay has its mean at half of the decay's time.
        centre_s = np.sum(t * heard**2) / np.sum(heard**2)
        assert 0.4 * QUICKEST_DECAY_S < centre_s < 0.6 * 0.15
