from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from service.inference.features import FeatureSpec, compute_grid
from tests.audio import noise, tone
from tests.training.data.readers.pictures import paint, random_levels
from training.compiled import librosa
from training.data.filter_banks import mel_bank
from training.data.readers import SpectrogramImage
from training.data.readers.gtzan_grid import (
    SAMPLE_RATE_HZ,
    SPEC,
    check_compatible,
    levels_from_pixels,
    to_features,
)
from training.errors import TrainingError, UnreadableClip

BANK = mel_bank(SPEC)


def levels_by_the_recipe(samples: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Follow the published recipe step by step, in double precision."""
    n_frames = 1 + len(samples) // 512
    padded = np.pad(samples.astype(float), 1024)
    hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    frames = np.stack([padded[512 * t : 512 * t + 2048] * hann for t in range(n_frames)])
    mel = librosa.filters.mel(  # type: ignore[attr-defined]  # lazily loaded submodule
        sr=22_050, n_fft=2048, n_mels=128, fmin=0, fmax=11_025
    )
    power = mel @ (np.abs(np.fft.rfft(frames)) ** 2).T
    value = 20 * np.log10(np.maximum(power, 1e-10 * power.max()) / power.max())
    index = np.clip(np.floor((np.maximum(value, -80) + 80) / 80 * 256), 0, 255)
    shown = [int(np.ceil((j + 2 - 1 / 512) * n_frames / 334.8)) - 1 for j in range(333)]
    drawn: NDArray[np.uint8] = index[:, np.minimum(shown, n_frames - 1)].astype(np.uint8)
    return drawn


def test_a_painted_picture_reads_back_to_the_same_levels() -> None:
    levels = random_levels()
    np.testing.assert_array_equal(levels_from_pixels(paint(levels)), levels)


def test_every_colour_reads_back_to_its_level() -> None:
    levels = np.resize(np.arange(256, dtype=np.uint8), (128, 333))
    np.testing.assert_array_equal(levels_from_pixels(paint(levels)), levels)


def test_slightly_wrong_colours_read_as_levels_nearby() -> None:
    levels = random_levels()
    picture = paint(levels)
    off_by_one = np.random.default_rng(1).integers(-1, 2, picture.shape)
    altered = np.clip(picture + off_by_one, 0, 255).astype(np.uint8)

    read = levels_from_pixels(altered)

    assert np.abs(read.astype(int) - levels).max() <= 4
    assert not np.array_equal(altered, picture)


def test_features_are_transposed_levels_in_the_middle_of_their_step() -> None:
    levels = random_levels()

    features = to_features(levels)

    assert features.shape == (333, 128)
    assert features.dtype == np.float32
    for value in (1, 100, 255):
        assert (features[value == levels.T] == (value + 0.5) / 256).all()
    assert (features[levels.T == 0] == 0).all()


def test_ready_grids_lie_where_the_services_features_do() -> None:
    """For sound that does not change, other frames of it must show the same."""
    steady = noise(8.0, rate_hz=SAMPLE_RATE_HZ, amplitude=0.3)
    steady += tone(1_000, 8.0, rate_hz=SAMPLE_RATE_HZ, amplitude=0.1)

    ready = to_features(levels_by_the_recipe(steady)).mean(axis=0)
    served = compute_grid(steady, SPEC, BANK)[2:-2].mean(axis=0)

    np.testing.assert_allclose(ready, served, atol=0.02)
    assert np.ptp(served) > 0.1


def test_a_picture_of_another_size_is_refused_by_its_size(tmp_path: Path) -> None:
    path = tmp_path / "blues00001.png"
    Image.new("RGB", (640, 480)).save(path)

    with pytest.raises(UnreadableClip, match=r"640 x 480 pixels.*432 x 288"):
        SpectrogramImage(path).grid(SPEC, BANK)


def test_a_picture_with_transparency_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "blues00000.png"
    Image.fromarray(paint(random_levels())).convert("RGBA").save(path)

    read = SpectrogramImage(path).grid(SPEC, BANK)

    np.testing.assert_array_equal(read, to_features(random_levels()))


@pytest.mark.parametrize(
    "change", [{"hop_samples": 512}, {"range_db": 80.0}, {"bands": 96}, {"name": "mfcc"}]
)
def test_features_of_another_specification_are_refused(change: dict[str, object]) -> None:
    other = FeatureSpec.model_validate({**SPEC.model_dump(), **change})
    with pytest.raises(TrainingError, match=r"grids\.npz:blues.*Give audio files instead"):
        check_compatible(other, "grids.npz:blues")


def test_features_of_the_same_specification_are_welcome() -> None:
    check_compatible(FeatureSpec.model_validate(SPEC.model_dump()), "grids.npz")
