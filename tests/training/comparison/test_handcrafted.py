import numpy as np
import pytest

from tests.audio import noise, tone
from training.comparison.handcrafted import (
    N_STATISTICS,
    SAMPLE_RATE_HZ,
    SPEC,
    statistics,
    statistics_grid,
)
from training.compiled import librosa
from training.data.filter_banks import make_bank

KAGGLE_HEADER = [
    "chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff",
    "zero_crossing_rate", "harmony", "perceptr", "tempo", *[f"mfcc{n}" for n in range(1, 21)],
]  # fmt: skip


@pytest.fixture(scope="module")
def of_a_tone() -> dict[str, float]:
    return statistics(tone(1_000, 2.0, rate_hz=SAMPLE_RATE_HZ, amplitude=0.5))


def test_the_first_57_are_the_columns_of_the_kaggle_set(of_a_tone: dict[str, float]) -> None:
    expected = [
        name
        for stem in KAGGLE_HEADER
        for name in ([stem] if stem == "tempo" else [f"{stem}_mean", f"{stem}_var"])
    ]
    assert list(of_a_tone)[:57] == expected
    assert len(of_a_tone) == N_STATISTICS


def test_a_tone_has_its_frequency_and_loudness(of_a_tone: dict[str, float]) -> None:
    assert of_a_tone["spectral_centroid_mean"] == pytest.approx(1_000, rel=0.1)
    assert of_a_tone["rolloff_mean"] == pytest.approx(1_000, rel=0.1)
    assert of_a_tone["zero_crossing_rate_mean"] == pytest.approx(2_000 / SAMPLE_RATE_HZ, rel=0.1)
    assert of_a_tone["rms_mean"] == pytest.approx(0.5 / 2**0.5, rel=0.05)


def test_a_tone_is_harmonic_and_clicks_are_percussive(of_a_tone: dict[str, float]) -> None:
    assert of_a_tone["harmony_var"] > 100 * of_a_tone["perceptr_var"]
    clicks = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    clicks[:: SAMPLE_RATE_HZ // 2] = 0.9
    found = statistics(clicks)
    assert found["perceptr_var"] > 10 * found["harmony_var"]
    assert found["tempo"] == pytest.approx(120, rel=0.05)


def test_the_parts_are_those_of_librosa() -> None:
    samples = tone(440, 1.0, rate_hz=SAMPLE_RATE_HZ) + noise(1.0, rate_hz=SAMPLE_RATE_HZ)
    harmonic, percussive = librosa.effects.hpss(  # type: ignore[attr-defined]  # lazily loaded
        samples
    )
    found = statistics(samples)
    assert found["harmony_var"] == pytest.approx(harmonic.var(), rel=1e-3)
    assert found["perceptr_var"] == pytest.approx(percussive.var(), rel=1e-3)


@pytest.mark.parametrize("length", [0, 100, SAMPLE_RATE_HZ])
def test_silence_and_snippets_have_finite_statistics(length: int) -> None:
    assert set(statistics(np.zeros(length, np.float32)).values()) == {0.0}
    if length:
        assert np.isfinite(list(statistics(noise(1.0)[:length]).values())).all()


def test_a_grid_is_one_compressed_frame(of_a_tone: dict[str, float]) -> None:
    samples = tone(1_000, 2.0, rate_hz=SAMPLE_RATE_HZ, amplitude=0.5)
    grid = statistics_grid(samples, SPEC, make_bank(SPEC))
    assert grid.shape == (1, N_STATISTICS)
    centroid = list(of_a_tone).index("spectral_centroid_mean")
    assert grid[0, centroid] == pytest.approx(np.log1p(of_a_tone["spectral_centroid_mean"]))
