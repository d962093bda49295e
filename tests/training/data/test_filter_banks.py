import numpy as np
import pytest

from service.inference.features import FeatureSpec, compute_grid
from tests.audio import noise, tone
from training.compiled import librosa
from training.data.filter_banks import (
    BANDS_PER_OCTAVE,
    C2_HZ,
    chroma_bank,
    linear_bank,
    log_frequency_bank,
    make_bank,
    mel_bank,
)
from training.data.readers import gtzan_grid
from training.recipes import CHORD, RECIPES

MEL_SPEC = gtzan_grid.SPEC
RATE_HZ = MEL_SPEC.sample_rate_hz


def changed(spec: FeatureSpec, **changes: object) -> FeatureSpec:
    return FeatureSpec.model_validate({**spec.model_dump(), **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"spectrum": "magnitude"},
        {"range_db": 80.0},
        {"fft_samples": 1_024, "hop_samples": 256, "bands": 64},
        {"sample_rate_hz": 16_000, "fft_samples": 512, "hop_samples": 200, "bands": 40},
    ],
)
def test_log_mel_features_are_those_of_librosa(changes: dict[str, object]) -> None:
    spec = changed(MEL_SPEC, **changes)
    rate_hz = spec.sample_rate_hz
    swell = np.linspace(0.05, 1, 2 * rate_hz, dtype=np.float32)
    sine = tone(523, 2.0, rate_hz=rate_hz, amplitude=0.1)
    samples = swell * (noise(2.0, rate_hz=rate_hz) + sine)
    exponent = 2 if spec.spectrum == "power" else 1
    mel = librosa.feature.melspectrogram(
        y=samples,
        sr=rate_hz,
        n_fft=spec.fft_samples,
        hop_length=spec.hop_samples,
        n_mels=spec.bands,
        window="hann",
        center=True,
        pad_mode="constant",
        power=exponent,
    )
    decibels = 20 / exponent * np.log10(np.maximum(mel, 1e-12) / mel.max())
    expected = np.clip(decibels / spec.range_db + 1, 0, 1).T

    grid = compute_grid(samples, spec, mel_bank(spec))

    assert grid.shape == expected.shape
    assert 0.05 < grid.mean() < 0.95  # else both could agree on being silent
    np.testing.assert_allclose(grid, expected, atol=1e-4)


def test_the_lowest_log_frequency_band_is_c2_and_an_octave_has_three_bands_a_semitone() -> None:
    assert pytest.approx(librosa.note_to_hz("C2")) == C2_HZ
    assert BANDS_PER_OCTAVE == 3 * 12


def test_log_frequency_filters_weigh_averages() -> None:
    bank = log_frequency_bank(CHORD.inputs.features)

    assert bank.shape == (CHORD.inputs.features.bands, CHORD.inputs.features.fft_samples // 2 + 1)
    assert bank.dtype == np.float32
    np.testing.assert_allclose(bank.sum(axis=1), 1, rtol=1e-5)
    assert (bank >= 0).all()


def test_no_filter_is_narrower_than_the_fft_resolves() -> None:
    bank = log_frequency_bank(CHORD.inputs.features)
    assert ((bank > 0).sum(axis=1) >= 2).all()


# Below A3 the FFT resolves less than a third of a semitone.
@pytest.mark.parametrize("note", ["A3", "C4", "F#4", "Bb5", "B7"])
def test_a_pure_tone_is_loudest_in_its_notes_band(note: str) -> None:
    spec = CHORD.inputs.features
    semitones_above_c2 = int(librosa.note_to_midi(note)) - 36
    sine = tone(float(librosa.note_to_hz(note)), 1.0, rate_hz=spec.sample_rate_hz)

    grid = compute_grid(sine, spec, log_frequency_bank(spec))

    assert (grid[3:-3].argmax(axis=1) == 3 * semitones_above_c2).all()


@pytest.mark.parametrize("band", [0, 1, 20, 40])
def test_low_tones_are_at_most_a_semitone_off(band: int) -> None:
    spec = CHORD.inputs.features
    sine = tone(C2_HZ * 2 ** (band / BANDS_PER_OCTAVE), 1.0, rate_hz=spec.sample_rate_hz)

    grid = compute_grid(sine, spec, log_frequency_bank(spec))

    assert (np.abs(grid[3:-3].argmax(axis=1) - band) <= 3).all()


def test_an_octave_above_is_36_bands_higher() -> None:
    spec = CHORD.inputs.features
    bank = log_frequency_bank(spec)
    low = compute_grid(tone(440, 1.0, rate_hz=spec.sample_rate_hz), spec, bank)
    high = compute_grid(tone(880, 1.0, rate_hz=spec.sample_rate_hz), spec, bank)

    assert high[5].argmax() - low[5].argmax() == BANDS_PER_OCTAVE


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_bank_with_one_row_a_band(name: str) -> None:
    spec = RECIPES[name].inputs.features
    assert make_bank(spec).shape[0] == spec.bands


def test_the_specification_names_its_bank() -> None:
    np.testing.assert_array_equal(make_bank(MEL_SPEC), mel_bank(MEL_SPEC))
    chords = CHORD.inputs.features
    np.testing.assert_array_equal(make_bank(chords), log_frequency_bank(chords))


def test_linear_bands_are_equally_wide_and_do_not_overlap() -> None:
    bank = linear_bank(changed(MEL_SPEC, name="stft", bands=64))
    assert bank.shape == (64, 1_025)
    np.testing.assert_allclose(bank.sum(axis=1), 1, rtol=1e-6)
    assert ((bank > 0).sum(axis=1) == 16).all()
    assert ((bank > 0).sum(axis=0)[:-1] == 1).all()


def test_octaves_fold_onto_one_pitch_class() -> None:
    spec = changed(MEL_SPEC, name="chroma", bands=12, fft_samples=4_096)
    bank = chroma_bank(spec)
    for octave in (1, 2, 4):
        samples = tone(220 * octave, 1.0, rate_hz=RATE_HZ)
        assert compute_grid(samples, spec, bank).mean(axis=0).argmax() == 9  # A, counted from C
