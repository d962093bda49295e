import numpy as np
import pytest

from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from service.inference.tuning import (
    SPAN_FRAMES,
    bring_in_tune,
    retuned,
    total_magnitudes,
    tuning_cents,
)
from service.inference.windows import Segment
from tests.audio import Waveform, noise, tone

SPEC = FeatureSpec(
    name="log_frequency",
    sample_rate_hz=11_025,
    fft_samples=4_096,
    hop_samples=1_024,
    bands=216,
    spectrum="magnitude",
    range_db=60.0,
)
DURATION_S = 3.0
WHOLE = [Segment(0.0, DURATION_S)]
C2_HZ = 440 * 2 ** (-33 / 12)
A4, CHORD = 0, (-12, -8, -5, 0, 7)  # semitones above A4


def bank() -> FilterBank:
    """Return triangles a third of a semitone apart, the lowest at C2."""
    frequencies_hz = np.fft.rfftfreq(SPEC.fft_samples, 1 / SPEC.sample_rate_hz)
    third = 2 ** (1 / 36)
    centres_hz = C2_HZ * third ** np.arange(SPEC.bands)
    widths_hz = np.maximum(centres_hz * (third - 1), frequencies_hz[1])
    away = np.abs(frequencies_hz - centres_hz[:, np.newaxis]) / widths_hz[:, np.newaxis]
    weights: FilterBank = np.clip(1 - away, 0, None).astype(np.float32)
    return weights


BANK = bank()


def grid_of(samples: Waveform) -> Grid:
    return compute_grid(samples, SPEC, BANK)


def tones(cents: float, *semitones: int, amplitude: float = 0.5) -> Waveform:
    """Return tones so far from A = 440 Hz."""
    parts = [
        tone(440 * 2 ** ((n + cents / 100) / 12), DURATION_S, rate_hz=SPEC.sample_rate_hz)
        for n in semitones
    ]
    mixed: Waveform = amplitude * np.stack(parts).mean(axis=0)
    return mixed


def told(samples: Waveform) -> float | None:
    return tuning_cents(grid_of(samples), SPEC, WHOLE)


@pytest.mark.parametrize("cents", [-45, -33, -20, -10, 0, 10, 20, 33, 45])
@pytest.mark.parametrize("semitones", [(A4,), CHORD])
def test_tones_are_told_to_four_cents(semitones: tuple[int, ...], cents: float) -> None:
    assert told(tones(cents, *semitones)) == pytest.approx(cents, abs=4)


def test_half_a_semitone_is_as_much_too_low_as_too_high() -> None:
    found = told(tones(50, A4))
    assert found is not None
    assert abs(found) == pytest.approx(50, abs=2)


def test_it_does_not_matter_how_loud_it_is() -> None:
    loud, soft = told(tones(12, *CHORD)), told(tones(12, *CHORD, amplitude=0.005))
    assert loud is not None
    assert soft == pytest.approx(loud, abs=0.5)


def test_noise_beneath_tones_changes_little() -> None:
    hiss = noise(DURATION_S, rate_hz=SPEC.sample_rate_hz, amplitude=0.05)
    assert told(tones(-20, *CHORD) + hiss) == pytest.approx(-20, abs=5)


@pytest.mark.parametrize("seed", range(5))
def test_noise_and_silence_have_no_tuning(seed: int) -> None:
    hiss = noise(DURATION_S, rate_hz=SPEC.sample_rate_hz, seed=seed)
    assert told(hiss) is None
    assert told(0 * hiss) is None


def test_only_what_sounds_is_looked_at() -> None:
    grid = grid_of(np.concatenate([tones(30, *CHORD), tones(-10, *CHORD)]))
    first, second = Segment(0.0, DURATION_S), Segment(DURATION_S, 2 * DURATION_S)
    assert tuning_cents(grid, SPEC, [first]) == pytest.approx(30, abs=5)
    assert tuning_cents(grid, SPEC, [second]) == pytest.approx(-10, abs=5)
    assert tuning_cents(grid, SPEC, []) is None


@pytest.mark.parametrize("cents", [-45, -35, 35, 45])
def test_what_is_out_of_tune_is_moved_to_where_it_would_be_in_tune(cents: float) -> None:
    in_tune, out = grid_of(tones(0, *CHORD)), grid_of(tones(cents, *CHORD))

    moved = bring_in_tune(out, SPEC, 25)

    assert np.abs(moved - in_tune).mean() < 0.3 * np.abs(out - in_tune).mean()
    assert tuning_cents(moved, SPEC, WHOLE) == pytest.approx(0, abs=6)


@pytest.mark.parametrize("cents", [-20, 0, 20])
def test_what_is_nearly_in_tune_stays_as_it_is(cents: float) -> None:
    grid = grid_of(tones(cents, *CHORD))
    assert bring_in_tune(grid, SPEC, 25) is grid


def test_nothing_is_moved_that_has_no_tuning_or_where_nobody_asks() -> None:
    hiss, out = grid_of(noise(DURATION_S, rate_hz=SPEC.sample_rate_hz)), grid_of(tones(40, A4))
    assert bring_in_tune(hiss, SPEC, 25) is hiss
    assert bring_in_tune(out, SPEC, None) is out


@pytest.mark.parametrize("cents", [100 / 3, -200 / 3])
def test_whole_bands_are_moved_to_the_last_one(cents: float) -> None:
    grid = np.random.default_rng(1).random((5, 216), np.float32)
    bands = round(cents * 3 / 100)

    moved = retuned(grid, cents)

    kept = slice(max(0, -bands), 216 - max(0, bands))
    np.testing.assert_allclose(moved[:, kept], np.roll(grid, -bands, axis=1)[:, kept], atol=1e-5)
    assert moved.shape == grid.shape
    assert moved.dtype == grid.dtype


def test_half_a_band_is_the_mean_of_both_and_what_comes_in_is_as_the_last() -> None:
    grid = np.array([[0, 1, 0.5, 0.2]], np.float32)
    np.testing.assert_allclose(retuned(grid, 50 / 3), [[0.5, 0.75, 0.35, 0.2]], atol=1e-6)
    np.testing.assert_allclose(retuned(grid, -50 / 3), [[0, 0.5, 0.75, 0.35]], atol=1e-6)


def test_a_long_recording_is_summed_in_spans_as_if_at_once() -> None:
    grid = np.random.default_rng(0).random((2 * SPAN_FRAMES + 1, SPEC.bands), np.float32)
    at_once = np.expm1(SPEC.range_db / 20 * np.log(10) * grid.astype(np.float64)).sum(axis=0)
    np.testing.assert_allclose(total_magnitudes(grid, SPEC), at_once, rtol=1e-5)


def test_a_long_recording_is_moved_as_its_parts_are() -> None:
    grid = np.random.default_rng(0).random((3 * SPAN_FRAMES // 2, 24), np.float32)
    parts = [retuned(part, 30.0) for part in np.array_split(grid, 5)]
    np.testing.assert_array_equal(retuned(grid, 30.0), np.concatenate(parts))
