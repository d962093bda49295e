import pytest

from training.commands.compare import COMPARED_TASKS, FEATURE_NAMES, MODEL_NAMES
from training.comparison.features import FEATURES, PICTURES
from training.comparison.systems import MODELS, TASKS, System, choose
from training.data.filter_banks import make_bank
from training.errors import TrainingError


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


def test_teachers_are_asked_only_where_they_are_given_or_named() -> None:
    asking = [System("transfer", "mn04"), System("transfer", "both_teachers")]
    assert [s for s in choose("genre", (), ()) if s.asks_teachers] == asking
    assert not any(s.asks_teachers for s in choose("genre", (), (), ask_teachers=False))
    assert choose("genre", (), ["mn04"], ask_teachers=False) == asking[:1]
