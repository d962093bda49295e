from pathlib import Path

import numpy as np
import pytest

from service.inference.features import compute_grid
from tests.audio import tone
from training.comparison.features import FEATURES
from training.data.filter_banks import make_bank
from training.data.readers import AudioFile
from training.errors import TrainingError
from training.networks import listener, musicnn


def test_windows_are_of_a_few_seconds_and_frames_of_tens_of_milliseconds() -> None:
    for name in ("log_mel", "mfcc", "stft", "chroma"):
        features = FEATURES[name]
        assert 0.023 < features.spec.hop_s < 0.05
        assert 3 < features.windows.frames * features.spec.hop_s < 10


@pytest.mark.parametrize("name", list(FEATURES))
def test_augmentation_keeps_shape_and_label(name: str) -> None:
    features, rng = FEATURES[name], np.random.default_rng(0)
    window = rng.random((features.windows.frames, features.spec.bands), dtype=np.float32)
    changed, label = features.augment(window, 4, rng)
    assert (changed.shape, changed.dtype, label) == (window.shape, window.dtype, 4)


def test_a_pretrained_network_says_as_many_values_as_are_learned_from() -> None:
    units = {name: f.units for name, f in FEATURES.items() if f.backbone is not None}
    assert units == {"musicnn": musicnn.UNITS, "listener": listener.UNITS}


def test_without_a_teacher_the_error_says_what_to_get(tmp_path: Path) -> None:
    assert FEATURES["stft"].heard_by(tmp_path, tmp_path) is FEATURES["stft"]
    with pytest.raises(TrainingError, match=r"mn04\.onnx.*--teachers"):
        FEATURES["mn04"].heard_by(tmp_path, tmp_path)


def test_only_some_features_are_outside_the_service() -> None:
    outside = [name for name, features in FEATURES.items() if features.outside_service]
    assert outside == ["handcrafted", "mn04", "both_teachers"]
    audio = AudioFile(Path("a.wav"))
    assert FEATURES["stft"].of(audio) is audio
    assert FEATURES["handcrafted"].of(audio) != audio


def test_a_tone_stands_in_its_band_and_its_pitch_class() -> None:
    for name, band in (("stft", int(440 / (22_050 / 2 / 128))), ("chroma", 9)):
        spec = FEATURES[name].spec
        samples = tone(440, 1.0, rate_hz=spec.sample_rate_hz)
        grid = compute_grid(samples, spec, make_bank(spec))
        assert grid.mean(axis=0).argmax() == band
