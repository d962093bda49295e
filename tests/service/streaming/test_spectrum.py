import numpy as np
import pytest

from service.inference.bands import BandMeter
from service.inference.features import FeatureSpec, compute_grid
from service.streaming.spectrum import LOUDEST_OF_S, Spectrum
from tests.audio import Waveform, noise, tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, triangles, triangular_bank

SPEC = triangles(GENRES, SAMPLE_RATE_HZ)
BANK = triangular_bank(SPEC)


def heard(samples: Waveform, size: int, spec: FeatureSpec = SPEC) -> Spectrum:
    spectrum = Spectrum(BandMeter(spec, BANK))
    spectrum.keep(10**6)
    for start in range(0, len(samples), size):
        spectrum.add(samples[start : start + size])
    return spectrum


@pytest.mark.parametrize("size", [1, 100, 128, 129, 10_000])
@pytest.mark.parametrize("n_samples", [0, 1, 127, 128, 1000, 4000])
def test_features_are_those_of_the_whole_clip(size: int, n_samples: int) -> None:
    samples = noise(1.0, rate_hz=SAMPLE_RATE_HZ)[:n_samples]
    spectrum = heard(samples, size)
    spectrum.end()
    whole = compute_grid(samples, SPEC, BANK)
    assert spectrum.n_frames == len(whole)
    np.testing.assert_allclose(spectrum.levels(0, spectrum.n_frames), whole, atol=1e-5)


def test_a_frame_is_there_as_soon_as_its_samples_are() -> None:
    spectrum = Spectrum(BandMeter(SPEC, BANK))
    spectrum.add(np.zeros(SPEC.fft_samples // 2 - 1, np.float32))
    assert spectrum.n_frames == 0
    spectrum.add(np.zeros(1, np.float32))
    assert spectrum.n_frames == 1


def test_levels_are_relative_to_the_loudest_of_the_last_seconds() -> None:
    loud = tone(1600, 1.0, rate_hz=SAMPLE_RATE_HZ)
    quiet = tone(1600, LOUDEST_OF_S + 1, rate_hz=SAMPLE_RATE_HZ, amplitude=0.005)
    spectrum = heard(np.concatenate([loud, quiet[:SAMPLE_RATE_HZ]]), 1000)
    assert spectrum.levels(spectrum.n_frames - 1, spectrum.n_frames).max() == pytest.approx(
        0.5, abs=0.01
    )
    spectrum.add(quiet)
    assert spectrum.levels(spectrum.n_frames - 1, spectrum.n_frames).max() == pytest.approx(
        1.0, abs=0.01
    )


LOUD_SPEC = SPEC.model_copy(update={"loudness_lufs": -18.0, "reference_power": 100.0})


@pytest.mark.parametrize(("gain", "offset"), [(1.0, 0.0), (0.02, 0.0), (0.5, 0.1)])
def test_the_loudness_is_that_of_all_until_now(gain: float, offset: float) -> None:
    samples = gain * (noise(6.0, rate_hz=SAMPLE_RATE_HZ) + offset)
    spectrum = heard(samples.astype(np.float32), 400, LOUD_SPEC)
    spectrum.end()
    whole = compute_grid(samples.astype(np.float32), LOUD_SPEC, BANK)
    late = slice(3 * SAMPLE_RATE_HZ // SPEC.hop_samples, spectrum.n_frames)
    # What is left of an offset, which is known better and better, is far below the sound.
    np.testing.assert_allclose(spectrum.levels(late.start, late.stop), whole[late], atol=0.02)


def test_nothing_is_turned_up_where_there_is_nothing() -> None:
    spectrum = heard(np.zeros(SAMPLE_RATE_HZ, np.float32), 400, LOUD_SPEC)
    assert not spectrum.levels(0, spectrum.n_frames).any()


def test_asking_does_not_change_what_is_kept() -> None:
    spectrum = heard(noise(0.5, rate_hz=SAMPLE_RATE_HZ), 1000)
    first = spectrum.levels(0, 5)
    np.testing.assert_array_equal(spectrum.levels(0, 5), first)


def test_only_what_may_be_asked_for_is_kept() -> None:
    spectrum = Spectrum(BandMeter(SPEC, BANK))
    spectrum.keep(3)
    spectrum.keep(2)
    spectrum.add(noise(0.5, rate_hz=SAMPLE_RATE_HZ))
    spectrum.forget()
    n = spectrum.n_frames
    assert len(spectrum.levels(n - 3, n)) == 3
    with pytest.raises(IndexError):
        spectrum.levels(n - 4, n)
