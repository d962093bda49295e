import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray
from pydantic import ValidationError

from service.inference import features
from service.inference.bands import BandMeter
from service.inference.features import (
    FeatureSpec,
    FilterBank,
    Grid,
    GridMaker,
    compute_grid,
)
from tests.audio import noise, tone
from tests.bundles import band_centre_hz, triangular_bank

RATE_HZ = 8_000
SPEC = FeatureSpec(
    name="triangles",
    sample_rate_hz=RATE_HZ,
    fft_samples=512,
    hop_samples=128,
    bands=8,
    spectrum="power",
    range_db=80.0,
)
BANK = triangular_bank(SPEC)
CLIP = noise(1.0, rate_hz=RATE_HZ, amplitude=0.2) + tone(700, 1.0, rate_hz=RATE_HZ)


def naive_grid(samples: NDArray[np.float32], spec: FeatureSpec, bank: FilterBank) -> Grid:
    """Compute the same by the definition, one frame at a time in double precision."""
    half = spec.fft_samples // 2
    padded = np.concatenate([np.zeros(half), samples.astype(float), np.zeros(half)])
    phase = 2 * np.pi * np.arange(spec.fft_samples) / spec.fft_samples
    window = 0.5 - 0.5 * np.cos(phase)
    exponent = 2 if spec.spectrum == "power" else 1
    rows = []
    for frame in range(1 + len(samples) // spec.hop_samples):
        start = frame * spec.hop_samples
        piece = padded[start : start + spec.fft_samples]
        rows.append(bank @ np.abs(np.fft.rfft(piece * window)) ** exponent)
    levels = np.array(rows)
    decibels = (20 / exponent) * np.log10(np.maximum(levels / levels.max(), 1e-12))
    clipped: Grid = np.clip(1 + decibels / spec.range_db, 0, 1).astype(np.float32)
    return clipped


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
@pytest.mark.parametrize("range_db", [40.0, 80.0])
def test_the_grid_is_what_the_definition_says(spectrum: str, range_db: float) -> None:
    spec = FeatureSpec.model_validate(
        {**SPEC.model_dump(), "spectrum": spectrum, "range_db": range_db}
    )
    np.testing.assert_allclose(
        compute_grid(CLIP, spec, BANK), naive_grid(CLIP, spec, BANK), atol=1e-5
    )


@pytest.mark.parametrize("n_samples", [1, 127, 128, 129, 8_000])
def test_there_is_one_frame_per_started_hop(n_samples: int) -> None:
    grid = compute_grid(CLIP[:n_samples], SPEC, BANK)

    assert grid.shape == (1 + n_samples // SPEC.hop_samples, SPEC.bands)
    assert grid.dtype == np.float32


def test_values_fill_the_range_from_zero_to_one() -> None:
    grid = compute_grid(tone(band_centre_hz(0, 8), rate_hz=RATE_HZ), SPEC, BANK)

    assert grid.max() == 1.0
    assert grid.min() == 0.0


@pytest.mark.parametrize("band", range(SPEC.bands))
def test_a_sine_is_loudest_in_the_band_around_its_frequency(band: int) -> None:
    sine = tone(band_centre_hz(band, SPEC.bands), 1.0, rate_hz=RATE_HZ)

    grid = compute_grid(sine, SPEC, BANK)

    assert (grid[2:-2].argmax(axis=1) == band).all()


def test_a_click_lies_in_the_frames_around_its_time() -> None:
    click = np.zeros(RATE_HZ, np.float32)
    click[20 * SPEC.hop_samples] = 1.0

    loud_frames = np.flatnonzero(compute_grid(click, SPEC, BANK).max(axis=1))

    assert loud_frames.tolist() == [19, 20, 21]


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
@pytest.mark.parametrize("gain", [1e-3, 0.1, 10.0])
def test_the_level_of_the_clip_does_not_matter(gain: float, spectrum: str) -> None:
    spec = FeatureSpec.model_validate({**SPEC.model_dump(), "spectrum": spectrum})
    np.testing.assert_allclose(
        compute_grid(np.float32(gain) * CLIP, spec, BANK),
        compute_grid(CLIP, spec, BANK),
        atol=1e-5,
    )


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
def test_silence_gives_zeros(spectrum: str) -> None:
    spec = FeatureSpec.model_validate({**SPEC.model_dump(), "spectrum": spectrum})

    grid = compute_grid(np.zeros(RATE_HZ, np.float32), spec, BANK)

    assert grid.shape == (63, SPEC.bands)
    assert not grid.any()


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
def test_levels_against_a_fixed_power_tell_the_volume(spectrum: str) -> None:
    fixed = {"spectrum": spectrum, "range_db": 100.0, "reference_power": 1e6}
    spec = FeatureSpec.model_validate({**SPEC.model_dump(), **fixed})
    loud, quiet = (compute_grid(np.float32(g) * CLIP, spec, BANK) for g in (1, 0.1))

    audible = quiet > 0
    assert audible.any()
    np.testing.assert_allclose((loud - quiet)[audible], 0.2, atol=1e-5)
    assert loud.max() < 1


def test_what_is_louder_than_the_reference_counts_as_the_reference() -> None:
    spec = FeatureSpec.model_validate({**SPEC.model_dump(), "reference_power": 1e-6})
    assert compute_grid(CLIP, spec, BANK).max() == 1


@pytest.mark.parametrize("block_frames", [1, 7, 1_000])
def test_block_boundaries_do_not_matter(block_frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = compute_grid(CLIP, SPEC, BANK)
    monkeypatch.setattr(features, "BLOCK_FRAMES", block_frames)

    np.testing.assert_allclose(compute_grid(CLIP, SPEC, BANK), expected, atol=1e-6)


def test_of_a_long_clip_little_more_than_its_grid_is_held() -> None:
    spec = FeatureSpec.model_validate({**SPEC.model_dump(), "bands": 64})
    bank, samples = triangular_bank(spec), noise(300.0, rate_hz=RATE_HZ)

    tracemalloc.start()
    grid = compute_grid(samples, spec, bank)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak_bytes < 1.5 * grid.nbytes < samples.nbytes


@pytest.mark.parametrize("fft_samples", [2, 511, 512, 4_096])
@pytest.mark.parametrize("n_samples", [1, 100, 600, 20_000])
def test_beyond_the_ends_of_a_clip_is_silence(n_samples: int, fft_samples: int) -> None:
    spec = FeatureSpec.model_validate({**SPEC.model_dump(), "fft_samples": fft_samples})
    bank = triangular_bank(spec)
    samples = noise(n_samples / RATE_HZ, rate_hz=RATE_HZ)
    np.testing.assert_allclose(
        compute_grid(samples, spec, bank), naive_grid(samples, spec, bank), atol=1e-4
    )


def test_the_clip_is_left_as_it_was() -> None:
    samples = CLIP.copy()
    compute_grid(samples, SPEC, BANK)
    np.testing.assert_array_equal(samples, CLIP)


def test_the_hop_in_seconds_follows_from_the_rate() -> None:
    assert SPEC.hop_s == 128 / 8_000


@pytest.mark.parametrize(
    "change",
    [{"hop_samples": 0}, {"range_db": -1}, {"spectrum": "decibel"}, {"window": "hamming"}],
)
def test_an_impossible_specification_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        FeatureSpec.model_validate({**SPEC.model_dump(), **change})


LOUD_SPEC = SPEC.model_copy(update={"reference_power": 1_000.0, "loudness_lufs": -18.0})


@pytest.mark.parametrize("db", [-60.0, -30.0, -6.0, 6.0])
def test_at_a_fixed_loudness_the_level_of_a_recording_does_not_matter(db: float) -> None:
    changed = compute_grid(CLIP * np.float32(10 ** (db / 20)), LOUD_SPEC, BANK)
    np.testing.assert_allclose(changed, compute_grid(CLIP, LOUD_SPEC, BANK), atol=1e-4)


def test_without_a_loudness_the_level_matters() -> None:
    spec = LOUD_SPEC.model_copy(update={"loudness_lufs": None})
    quiet, usual = (compute_grid(x, spec, BANK) for x in (CLIP * np.float32(0.1), CLIP))
    inner = (usual > 0.3) & (usual < 1)
    np.testing.assert_allclose((usual - quiet)[inner], 20 / spec.range_db, atol=1e-4)


def test_a_recording_of_that_loudness_stays_as_it_is() -> None:
    """A sine of 997 Hz has 3.01 LU less than its amplitude says, relative to full scale."""
    sine = tone(997, 4.0, rate_hz=RATE_HZ, amplitude=10 ** ((-18.0 + 3.01) / 20))
    plain = compute_grid(sine, LOUD_SPEC.model_copy(update={"loudness_lufs": None}), BANK)
    np.testing.assert_allclose(compute_grid(sine, LOUD_SPEC, BANK), plain, atol=1e-3)


@pytest.mark.parametrize("offset", [-0.4, 0.1, 3.0])
def test_at_a_fixed_loudness_an_offset_does_not_matter(offset: float) -> None:
    grid = compute_grid(CLIP + np.float32(offset), LOUD_SPEC, BANK)
    np.testing.assert_allclose(grid, compute_grid(CLIP, LOUD_SPEC, BANK), atol=1e-3)


@pytest.mark.parametrize("n_samples", [0, 1, 100, RATE_HZ])
@pytest.mark.parametrize("level", [0.0, 0.5])
def test_silence_stays_silence_at_any_loudness(n_samples: int, level: float) -> None:
    """Also where the silence is not at zero."""
    grid = compute_grid(np.full(n_samples, level, np.float32), LOUD_SPEC, BANK)
    assert grid.shape == (1 + n_samples // SPEC.hop_samples, SPEC.bands)
    assert not grid.any()


def test_silence_in_front_does_not_change_how_a_sound_is_heard() -> None:
    silence = np.zeros(4 * RATE_HZ, np.float32)
    late = compute_grid(np.concatenate([silence, CLIP, CLIP]), LOUD_SPEC, BANK)
    usual = compute_grid(np.concatenate([CLIP, CLIP]), LOUD_SPEC, BANK)
    # Blocks that hold the onset are quieter, by less than the gate.
    np.testing.assert_allclose(late[-len(usual) + 4 :], usual[4:], atol=1.5 / SPEC.range_db)


def test_a_loudness_needs_a_reference_power() -> None:
    with pytest.raises(ValidationError, match="needs a reference_power"):
        FeatureSpec.model_validate({**SPEC.model_dump(), "loudness_lufs": -18.0})


def test_a_mean_that_only_the_whole_waveform_tells_is_taken_from_all_frames() -> None:
    """As if it had been taken away before, also where a quiet sound lies on a large offset."""
    samples = np.float32(0.01) * np.concatenate([CLIP, CLIP, CLIP]) + np.float32(0.6)
    centred = samples - samples.mean(dtype=np.float64).astype(np.float32)
    plain = compute_grid(centred, LOUD_SPEC, BANK)
    np.testing.assert_allclose(compute_grid(samples, LOUD_SPEC, BANK), plain, atol=1e-3)


@pytest.mark.parametrize("fft_samples", [2, 511, 512, 4_096])
@pytest.mark.parametrize("spec", [SPEC, LOUD_SPEC], ids=["plain", "loudness"])
def test_it_does_not_matter_how_a_waveform_comes(spec: FeatureSpec, fft_samples: int) -> None:
    spec = spec.model_copy(update={"fft_samples": fft_samples})
    bank = triangular_bank(spec)
    samples = np.concatenate([CLIP, CLIP, CLIP]) + np.float32(0.1)
    maker = GridMaker(BandMeter(spec, bank))
    for piece in np.split(samples, [0, 1, 100, 600, 601, 9_000, 20_000]):
        maker.add(piece)
    np.testing.assert_array_equal(maker.end(), compute_grid(samples, spec, bank))


@pytest.mark.parametrize("spectrum", ["power", "magnitude"])
@pytest.mark.parametrize("loudness_lufs", [None, -18.0])
@pytest.mark.parametrize("n_samples", [0, 100, len(CLIP)])
def test_a_gain_may_be_known_last(
    spectrum: str, loudness_lufs: float | None, n_samples: int
) -> None:
    changes = {"spectrum": spectrum, "loudness_lufs": loudness_lufs, "reference_power": 1_000.0}
    spec = FeatureSpec.model_validate({**SPEC.model_dump(), **changes})
    maker = GridMaker(BandMeter(spec, BANK))
    maker.add(np.float32(0.125) * CLIP[:n_samples])
    expected = compute_grid(CLIP[:n_samples], spec, BANK)
    np.testing.assert_allclose(maker.end(gain=8.0), expected, atol=1e-5)
