from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from numpy.random import Generator

from service.inference.features import Grid
from training.augmentation import alterations

FRAMES, BANDS = 20, 36


def rng(seed: int = 0) -> Generator:
    return np.random.default_rng(seed)


def sounding() -> Grid:
    """A window in which everything sounds and every value is another."""
    values = np.linspace(0.2, 0.8, FRAMES * BANDS, dtype=np.float32)
    return values.reshape(FRAMES, BANDS)


ALWAYS: dict[str, Callable[[Grid, Generator], Grid]] = {
    "cut_short": partial(alterations.cut_short, shortest=5, chance=1.0),
    "delay": partial(alterations.delay, chance=1.0),
    "detune": alterations.detune,
    "tilt": partial(alterations.tilt, most=0.5),
    "raise_floor": partial(alterations.raise_floor, most=0.4, chance=1.0),
    "drown": partial(alterations.drown, most=0.6, chance=1.0),
    "mask": partial(alterations.mask, most=8, chance=1.0),
    "limit_band": partial(alterations.limit_band, lowest=5, chance=1.0),
}
CHANCES: dict[str, Callable[[Grid, Generator], Grid]] = {
    "cut_short": partial(alterations.cut_short, shortest=5, chance=0.0),
    "delay": partial(alterations.delay, chance=0.0),
    "raise_floor": partial(alterations.raise_floor, most=0.4, chance=0.0),
    "drown": partial(alterations.drown, most=0.6, chance=0.0),
    "mask": partial(alterations.mask, most=8, chance=0.0),
    "limit_band": partial(alterations.limit_band, lowest=5, chance=0.0),
}


@pytest.mark.parametrize("name", ALWAYS)
def test_a_changed_window_keeps_its_shape_type_and_range(name: str) -> None:
    for seed in range(20):
        changed = ALWAYS[name](sounding(), rng(seed))
        assert changed.shape == (FRAMES, BANDS)
        assert changed.dtype == np.float32
        assert changed.min() >= 0
        assert changed.max() <= 1


@pytest.mark.parametrize("name", ALWAYS)
def test_the_same_seed_changes_a_window_in_the_same_way(name: str) -> None:
    first = ALWAYS[name](sounding(), rng(1))
    np.testing.assert_array_equal(ALWAYS[name](sounding(), rng(1)), first)
    assert any(not np.array_equal(ALWAYS[name](sounding(), rng(s)), first) for s in range(2, 9))


@pytest.mark.parametrize("name", ALWAYS)
def test_the_window_given_is_left_as_it_was(name: str) -> None:
    window = sounding()
    ALWAYS[name](window, rng(3))
    np.testing.assert_array_equal(window, sounding())


@pytest.mark.parametrize("name", CHANCES)
def test_nothing_changes_without_a_chance(name: str) -> None:
    for seed in range(10):
        np.testing.assert_array_equal(CHANCES[name](sounding(), rng(seed)), sounding())


def test_a_delay_puts_silence_in_front_of_the_same_sound() -> None:
    delayed = alterations.delay(sounding(), rng(), chance=1.0)
    silent = int((delayed.max(axis=1) == 0).sum())

    assert 1 <= silent < FRAMES // 2
    np.testing.assert_array_equal(delayed[silent:], sounding()[: FRAMES - silent])


def test_what_is_cut_short_ends_in_silence_but_not_too_soon() -> None:
    ends = set()
    for seed in range(200):
        cut = alterations.cut_short(sounding(), rng(seed), shortest=5, chance=1.0)
        end = int(cut.any(axis=1).sum())
        np.testing.assert_array_equal(cut[:end], sounding()[:end])
        assert not cut[end:].any()
        ends.add(end)
    assert ends == set(range(5, FRAMES))


@pytest.mark.parametrize("bands", [-7, -1, 0, 1, 7])
def test_shifting_bands_moves_everything_and_brings_in_silence(bands: int) -> None:
    window = sounding()

    shifted = alterations.shift_bands(window, bands)

    for band in range(BANDS):
        source = band - bands
        expected = window[:, source] if 0 <= source < BANDS else np.zeros(FRAMES)
        np.testing.assert_array_equal(shifted[:, band], expected)


def test_detuning_spreads_a_line_over_two_neighbouring_bands() -> None:
    line = np.zeros((FRAMES, BANDS), np.float32)
    line[:, 10] = 1
    for seed in range(10):
        detuned = alterations.detune(line, rng(seed))
        touched = np.flatnonzero(detuned[0])

        assert 10 in touched
        assert set(touched.tolist()) <= {9, 10, 11}
        assert len(touched) <= 2
        np.testing.assert_allclose(detuned.sum(axis=1), 1, rtol=1e-5)


def test_a_tilt_is_linear_over_the_bands_and_bounded() -> None:
    window = np.full((FRAMES, BANDS), 0.5, np.float32)
    for seed in range(10):
        added = alterations.tilt(window, rng(seed), most=0.2) - window

        assert np.abs(added).max() <= 0.2
        np.testing.assert_allclose(np.diff(added, n=2, axis=1), 0, atol=1e-6)
        np.testing.assert_array_equal(added, np.tile(added[0], (FRAMES, 1)))


def test_a_tilt_leaves_silence_silent() -> None:
    silence = np.zeros((FRAMES, BANDS), np.float32)
    for seed in range(10):
        assert not alterations.tilt(silence, rng(seed), most=0.5).any()


def test_a_raised_floor_silences_the_quietest_and_keeps_the_loudest() -> None:
    window = np.linspace(0, 1, FRAMES * BANDS, dtype=np.float32).reshape(FRAMES, BANDS)

    raised = alterations.raise_floor(window, rng(1), most=0.4, chance=1.0)

    silenced = window[raised == 0]
    assert 0 < silenced.max() <= 0.4
    assert raised.max() == pytest.approx(1)
    assert (np.diff(raised.reshape(-1)) >= 0).all()


def test_what_drowns_keeps_all_that_is_louder() -> None:
    window = np.linspace(0, 1, FRAMES * BANDS, dtype=np.float32).reshape(FRAMES, BANDS)
    floors = set()
    for seed in range(10):
        drowned = alterations.drown(window, rng(seed), most=0.4, chance=1.0)
        floor = drowned.min()

        assert 0 < floor <= 0.4
        np.testing.assert_array_equal(drowned[window > floor], window[window > floor])
        assert (drowned[window <= floor] == floor).all()
        floors.add(float(floor))
    assert len(floors) == 10


def test_a_mask_silences_one_stretch_of_time_and_of_bands() -> None:
    for seed in range(20):
        masked = alterations.mask(sounding(), rng(seed), most=8, chance=1.0)
        silent_frames = np.flatnonzero((masked == 0).all(axis=1))
        silent_bands = np.flatnonzero((masked == 0).all(axis=0))

        for silent in (silent_frames, silent_bands):
            assert 1 <= len(silent) <= 8
            assert (np.diff(silent) == 1).all()
        kept = np.ones((FRAMES, BANDS), dtype=bool)
        kept[silent_frames] = False
        kept[:, silent_bands] = False
        np.testing.assert_array_equal(masked[kept], sounding()[kept])


def test_a_mask_may_be_longer_than_the_window() -> None:
    assert alterations.mask(sounding(), rng(), most=500, chance=1.0).shape == (FRAMES, BANDS)


def test_limiting_silences_all_bands_above_one() -> None:
    for seed in range(10):
        limited = alterations.limit_band(sounding(), rng(seed), lowest=5, chance=1.0)
        silent = np.flatnonzero(~limited.any(axis=0))

        assert silent[0] >= 5
        assert silent[-1] == BANDS - 1
        np.testing.assert_array_equal(limited[:, : silent[0]], sounding()[:, : silent[0]])
