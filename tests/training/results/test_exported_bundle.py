import datetime
import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from service import __version__
from service.audio.decode import clip_of
from service.inference.bundle import Bundle
from service.inference.bundle_files import (
    BANK_FILE,
    CARD_FILE,
    CONTEXT_BANK_FILE,
    EMBEDDING_FILE,
    HASHED_FILES,
    MODEL_FILE,
    RATINGS_FILE,
)
from service.inference.classification import classify
from service.inference.grids import needed_rates_hz
from tests.audio import tone
from tests.server import ROOT
from tests.training.results.tones import fit_tones
from tests.training.tiny import TOY, TOY_ON_TOP, TOY_TOLD, TOY_UNITS, toy_backbone
from training.errors import TrainingError
from training.fitting.embedding import on_top, taken_apart
from training.fitting.run_folder import FINAL, RunFolder
from training.fitting.trials import HeadChoice
from training.networks.architectures import embedding_net
from training.results import export as export_module
from training.results.conversion import convert
from training.results.export import export, write_bundle
from training.results.figures import calibrate


@pytest.fixture(scope="module")
def fitted_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of a network that was trained from its first layer on."""
    return fit_tones(TOY, tmp_path_factory.mktemp("fitted"))


@pytest.fixture(scope="module")
def fitted_on_top(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of a network that was trained on what a backbone hears."""
    return fit_tones(TOY_ON_TOP, tmp_path_factory.mktemp("fitted"))


@pytest.fixture(scope="module")
def fitted_told(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of a network that was told, beside that, of the chords of the clip."""
    return fit_tones(TOY_TOLD, tmp_path_factory.mktemp("fitted"))


@pytest.fixture(scope="module")
def bundle_of_run(fitted_run: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the network that was trained from its first layer on; not to be changed."""
    return export(TOY, fitted_run, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def bundle_on_top(fitted_on_top: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the network on a backbone; not to be changed."""
    return export(TOY_ON_TOP, fitted_on_top, tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def bundle_told(fitted_told: RunFolder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of the network that was told of the chords; not to be changed."""
    return export(TOY_TOLD, fitted_told, tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("bundle", ["bundle_of_run", "bundle_on_top", "bundle_told"])
def test_a_fitted_run_becomes_a_bundle_that_the_service_accepts(
    bundle: str, request: pytest.FixtureRequest
) -> None:
    folder: Path = request.getfixturevalue(bundle)

    assert folder.name == "emotion"
    loaded = Bundle.load(folder)
    rate_hz = TOY.inputs.features.sample_rate_hz
    for label, frequency_hz in (("sad", 310), ("happy", 2_540)):
        samples = tone(frequency_hz, 1.0, rate_hz=rate_hz)
        clip = clip_of(samples, rate_hz, needed_rates_hz([loaded]))
        assert classify(clip, {"emotion": loaded})["emotion"].label == label


def test_the_bundle_answers_as_the_network_in_keras(
    fitted_run: RunFolder, bundle_of_run: Path
) -> None:
    windows = fitted_run.real_windows()

    answers = Bundle.load(bundle_of_run).run(windows)

    expected = np.asarray(fitted_run.network()(windows, training=False)["logits"])
    np.testing.assert_allclose(answers, expected, atol=1e-4)


def test_a_bundle_holds_the_backbone_and_what_was_trained_on_it(
    fitted_on_top: RunFolder, bundle_on_top: Path
) -> None:
    bundle = Bundle.load(bundle_on_top)
    windows = fitted_on_top.real_windows()
    network = fitted_on_top.network()

    expected = np.asarray(network(windows, training=False)["logits"])
    np.testing.assert_allclose(bundle.run(windows), expected, atol=1e-4)
    assert bundle.card.features == TOY_ON_TOP.inputs.features
    assert bundle.card.windows == TOY_ON_TOP.inputs.windows
    assert bundle.card.training.parameters == network.count_params()
    assert bundle.card.training.parameters > TOY_ON_TOP.build(0).count_params()


def test_a_bundle_holds_what_its_network_was_told_of(
    bundle_told: Path, fitted_on_top: RunFolder, bundle_on_top: Path
) -> None:
    bundle = Bundle.load(bundle_told)
    chord = Bundle.load(ROOT / "models" / "chord")

    assert bundle.context is not None
    assert bundle.card.context is not None
    assert bundle.card.context.features == chord.card.features
    assert bundle.card.context.windows.stride_frames == 20
    np.testing.assert_array_equal(bundle.context.bank, chord.bank)
    assert bundle.card.sha256[CONTEXT_BANK_FILE] == chord.card.sha256[BANK_FILE]
    assert Bundle.load(bundle_on_top).context is None
    assert fitted_on_top.context() is None


def test_the_network_of_a_run_and_its_bundle_say_the_same_of_a_context(
    fitted_told: RunFolder, bundle_told: Path
) -> None:
    bundle = Bundle.load(bundle_told)
    windows = fitted_told.real_windows()
    assert bundle.context is not None
    rate_hz = bundle.context.spec.features.sample_rate_hz
    grids = [bundle.context.features(tone(hz, 3.0, rate_hz=rate_hz)) for hz in (200, 900)]

    answers = [bundle.run(windows, grid) for grid in grids]

    for grid, answer in zip(grids, answers, strict=True):
        contexts = np.repeat(bundle.context.hear(grid)[np.newaxis], len(windows), axis=0)
        expected = fitted_told.network()([windows, contexts], training=False)["logits"]
        np.testing.assert_allclose(answer, expected, atol=1e-4)


def test_ratings_of_the_run_are_answered_by_the_bundle(
    fitted_run: RunFolder, bundle_on_top: Path
) -> None:
    bundle = Bundle.load(bundle_on_top)
    rate_hz = TOY.inputs.features.sample_rate_hz
    clips = [clip_of(tone(hz, 1.0, rate_hz=rate_hz), rate_hz, [rate_hz]) for hz in (300, 2500)]

    low, high = (classify(clip, {"emotion": bundle})["emotion"].ratings for clip in clips)

    assert low.shape == (1,)
    assert low[0] < 0.5 < high[0]
    (energy,) = bundle.card.ratings
    assert energy.name == "energy"
    assert [check.correlation.value > 0.9 for check in energy.evaluation] == [True, True]
    # Without a backbone there is nothing to rate with.
    assert fitted_run.ratings() == []


def test_the_backbone_is_a_file_that_does_not_depend_on_the_head(
    fitted_on_top: RunFolder, tmp_path: Path
) -> None:
    keras.utils.set_random_seed(5)
    heads = [embedding_net(TOY_UNITS, 2, companions, hidden_units=5) for companions in (0, 3)]
    networks = [fitted_on_top.network(), *(on_top(toy_backbone(), head) for head in heads)]
    calibration = calibrate(fitted_on_top)

    folders = [tmp_path / str(n) for n in range(len(networks))]
    bundles = [
        write_bundle(TOY_ON_TOP, fitted_on_top, network, folder, calibration, [])
        for network, folder in zip(networks, folders, strict=True)
    ]

    for folder, bundle in zip(folders, bundles, strict=True):
        files = {path.name for path in folder.iterdir()} - {CARD_FILE}
        assert files == {*HASHED_FILES, EMBEDDING_FILE, RATINGS_FILE} == set(bundle.card.sha256)
    assert len({bundle.card.sha256[EMBEDDING_FILE] for bundle in bundles}) == 1
    assert len({bundle.card.sha256[MODEL_FILE] for bundle in bundles}) == len(bundles)


@pytest.mark.parametrize(
    ("change", "is_shared"), [(2e-7, True), (0.1, False), (None, False)], ids=str
)
def test_an_embedding_that_says_the_same_is_shared_with_another_bundle(
    change: float | None, is_shared: bool, fitted_on_top: RunFolder, tmp_path: Path
) -> None:
    other = tmp_path / "models" / "genre" / EMBEDDING_FILE
    other.parent.mkdir(parents=True)
    backbone, _ = taken_apart(fitted_on_top.network())
    assert backbone is not None
    if change is None:
        other.write_bytes(b"no network")
    else:
        (mixture,) = (layer for layer in backbone.layers if layer.weights)
        mixture.set_weights([weight + change for weight in mixture.get_weights()])
        convert(backbone, other, fitted_on_top.real_windows())
    expected = other.read_bytes()

    folder = export(TOY_ON_TOP, fitted_on_top, tmp_path / "models")

    assert ((folder / EMBEDDING_FILE).read_bytes() == expected) == is_shared
    assert other.read_bytes() == expected


def test_the_same_run_gives_the_same_networks(
    fitted_run: RunFolder, bundle_of_run: Path, tmp_path: Path
) -> None:
    again = export(TOY, fitted_run, tmp_path)
    assert again == tmp_path / "emotion"
    assert (again / MODEL_FILE).read_bytes() == (bundle_of_run / MODEL_FILE).read_bytes()


def test_the_card_tells_what_head_was_chosen(fitted_on_top: RunFolder, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(fitted_on_top.path, tmp_path / "run"))
    choice = HeadChoice(penalty=0.3)
    run.keep_head_choice(FINAL, choice)
    card = Bundle.load(export(TOY_ON_TOP, run, tmp_path / "models")).card
    assert card.training.head == choice.summary()


def test_parts_that_do_not_make_the_whole_are_refused(
    fitted_on_top: RunFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mixed_up(network: keras.Model) -> tuple[keras.Model | None, keras.Model]:
        keras.utils.set_random_seed(5)
        return taken_apart(network)[0], TOY_ON_TOP.build(0)

    monkeypatch.setattr(export_module, "taken_apart", mixed_up)

    with pytest.raises(TrainingError, match=r"differ"):
        export(TOY_ON_TOP, fitted_on_top, tmp_path)


def test_the_card_is_the_contract_and_the_record(
    fitted_run: RunFolder, bundle_of_run: Path
) -> None:
    card = Bundle.load(bundle_of_run).card

    record = fitted_run.record()
    assert card.task == "emotion"
    assert tuple(card.labels) == TOY.labels
    assert card.features == TOY.inputs.features
    assert card.windows == TOY.inputs.windows
    assert card.calibration == calibrate(fitted_run)
    assert card.version == TOY.version
    assert card.training.command == record.command
    assert card.training.seed == record.seed
    assert card.training.epochs == record.epochs
    assert card.training.data_sets == record.clips_by_data_set
    assert card.training.parameters == fitted_run.network().count_params()
    assert card.training.head == ""
    assert card.training.code_version == __version__
    assert datetime.date.fromisoformat(card.training.trained_on)
    assert "not trained on your own data" in card.training.licence_note
    assert card.evaluation[0].n == 12
    assert card.not_for
