from pathlib import Path

import numpy as np
import pytest

from service.inference.features import compute_grid
from tests.audio import tone
from training.commands.compare import COMPARED_TASKS, FEATURE_NAMES, MODEL_NAMES
from training.comparison.systems import FEATURES, MODELS, PICTURES, TASKS, System, choose
from training.data.filter_banks import make_bank
from training.data.readers import AudioFile
from training.errors import TrainingError
from training.networks import listener, musicnn


def test_the_command_line_knows_all_names() -> None:
    assert set(COMPARED_TASKS) == set(TASKS)
    assert set(MODEL_NAMES) == set(MODELS)
    assert set(FEATURE_NAMES) == set(FEATURES)
    assert {name for model in MODELS.values() for name in model.features} == set(FEATURES)


def test_the_systems_that_were_asked_for_are_among_them() -> None:
    systems = choose("genre", (), ())
    for model, features in [
        ("cnn", "mfcc"), ("lstm", "mfcc"), ("cnn_lstm", "log_mel"), ("cnn_lstm", "mfcc"),
        ("cnn", "stft"), ("cnn", "log_mel"), ("mlp", "handcrafted"), ("cnn", PICTURES),
    ]:  # fmt: skip
        assert System(model, features) in systems


def test_the_pictures_are_of_genres_only() -> None:
    assert not any(system.sees_pictures for system in choose("emotion", (), ()))


def test_only_named_models_and_features_are_chosen() -> None:
    assert choose("emotion", ["cnn", "mlp"], ["mfcc", "handcrafted"]) == [
        System("mlp", "handcrafted"),
        System("cnn", "mfcc"),
    ]


def test_pairs_without_sense_are_refused_with_those_that_have() -> None:
    with pytest.raises(TrainingError, match="mlp on handcrafted, cnn on log_mel"):
        choose("emotion", ["mlp"], ["mfcc"])


@pytest.mark.parametrize("system", choose("genre", (), ()), ids=lambda system: system.name)
def test_every_network_fits_its_features(system: System) -> None:
    recipe = system.recipe("genre")
    network = recipe.build(0)
    shape = (recipe.inputs.windows.frames, recipe.inputs.features.bands)
    units = FEATURES[system.features].units
    assert network.input_shape == (None, *((1, units) if recipe.inputs.backbone else shape))
    assert network.output["logits"].shape == (None, 10)
    assert make_bank(recipe.inputs.features).shape[0] == recipe.inputs.features.bands
    assert not recipe.supplement.further
    assert not recipe.supplement.teacher


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


def test_teachers_are_asked_only_where_they_are_given_or_named() -> None:
    asking = [System("transfer", "mn04"), System("transfer", "both_teachers")]
    assert [s for s in choose("genre", (), ()) if s.asks_teachers] == asking
    assert not any(s.asks_teachers for s in choose("genre", (), (), ask_teachers=False))
    assert choose("genre", (), ["mn04"], ask_teachers=False) == asking[:1]


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
