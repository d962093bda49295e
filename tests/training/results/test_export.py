import datetime
import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf2onnx

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
    file_sha256,
)
from service.inference.classification import classify
from service.inference.features import compute_grid
from service.inference.grids import needed_rates_hz
from service.inference.windows import cut_windows
from tests.audio import tone
from tests.server import ROOT
from tests.training.fitting.test_fit_job import make_job
from tests.training.made import write_csv, write_wav
from tests.training.runs import make_fold, write_run
from tests.training.tiny import (
    TINY_GENRE,
    TINY_PICTURES,
    TOY,
    TOY_ON_TOP,
    TOY_TOLD,
    TOY_UNITS,
    toy_backbone,
    varied,
    with_fit,
)
from tests.training.untrained import train_the_last
from training.data.filter_banks import make_bank
from training.data.scales import RATINGS_LIST
from training.errors import TrainingError
from training.fitting import fit_without
from training.fitting.embedding import on_top, taken_apart
from training.fitting.fit_task import fit
from training.fitting.run_folder import FINAL, RunFolder
from training.fitting.trials import HeadChoice
from training.networks.architectures import (
    embedding_net,
    serving_network,
)
from training.recipes import Recipe
from training.results import export as export_module
from training.results.conversion import convert
from training.results.export import export, write_bundle
from training.results.figures import calibrate

CONVERT = tf2onnx.convert.from_keras


def fit_tones(recipe: Recipe, folder: Path) -> RunFolder:
    """Let a small network really learn to tell low tones from high ones; return its run.

    Listeners of two collections found the high ones more energetic. Only the network that is
    exported learns.
    """
    rate_hz = TOY.inputs.features.sample_rate_hz
    rows, rated = [], []
    for n in range(12):
        label, frequency_hz = (("sad", 300), ("happy", 2_500))[n % 2]
        write_wav(folder / f"{n}.wav", tone(frequency_hz + 5 * n, 0.6, rate_hz=rate_hz), rate_hz)
        rows.append((f"{n}.wav", label, f"artist-{n}"))
        rated.append((f"{n}.wav", ("films", "more films")[n // 6], str(frequency_hz + n)))
    write_csv(folder / "emotion.csv", ("file", "emotion", "group"), rows)
    write_csv(folder / RATINGS_LIST, ("file", "dataset", "rated_energy"), rated)
    command = "python -m training fit emotion --data made"
    recipe = with_fit(recipe, epochs=8)
    job = make_job(folder, folder, recipe, command=command, models=ROOT / "models")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_without, "fit_network", train_the_last)
        fit(job)
    return job.run


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


def content(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder and of those in it."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def convert_another_network(*_: object, **settings: Any) -> object:
    """Write the network of another run in place of the one asked for."""
    keras.utils.set_random_seed(99)
    network = serving_network(TINY_GENRE.build(0))
    return CONVERT(network, *_[1:], **settings)


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
    assert "research" in card.training.licence_note
    assert card.evaluation[0].n == 12
    assert card.not_for


def test_the_card_holds_the_hashes_of_all_other_files(genre_bundle: Path) -> None:
    card = json.loads((genre_bundle / CARD_FILE).read_text("utf-8"))

    assert {path.name for path in genre_bundle.iterdir()} == {CARD_FILE, *HASHED_FILES}
    assert card["sha256"] == {name: file_sha256(genre_bundle / name) for name in HASHED_FILES}


def test_the_filter_bank_travels_with_the_bundle(genre_bundle: Path) -> None:
    np.testing.assert_array_equal(
        np.load(genre_bundle / BANK_FILE), make_bank(TINY_GENRE.inputs.features)
    )


def test_the_teacher_is_left_behind(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    taught = TINY_GENRE.build(250)
    run.save_network(taught, run.record(), run.real_windows())

    bundle = Bundle.load(export(TINY_GENRE, run, tmp_path))

    assert bundle.card.training.parameters < taught.count_params()
    assert bundle.run(run.real_windows()).shape == (10, len(TINY_GENRE.labels))


def test_a_new_bundle_takes_the_place_of_the_old_one(tmp_path: Path, genre_bundle: Path) -> None:
    old = tmp_path / "models" / "genre"
    old.mkdir(parents=True)
    (old / "left_over.bin").write_bytes(b"old")
    (old / CARD_FILE).write_bytes(b"old")

    new = export(TINY_GENRE, write_run(tmp_path / "run"), tmp_path / "models")

    assert new == old
    assert set(content(new)) == set(content(genre_bundle))
    Bundle.load(new)


def test_a_new_bundle_keeps_the_variant_in_the_old_one(old_bundle: Path) -> None:
    before = content(old_bundle / "pictures")
    (old_bundle / CARD_FILE).write_bytes(b"old")

    export(TINY_GENRE, write_run(old_bundle.parents[1] / "run"), old_bundle.parent)

    assert before
    assert content(old_bundle / "pictures") == before
    Bundle.load(old_bundle)


def test_a_variant_is_written_into_its_bundle(tmp_path: Path, genre_bundle: Path) -> None:
    shutil.copytree(genre_bundle, tmp_path / "models" / "genre")

    run = write_run(tmp_path / "run", TINY_PICTURES)
    folder = export(TINY_PICTURES, run, tmp_path / "models")

    assert folder == tmp_path / "models" / "genre" / "pictures"
    assert Bundle.load(folder).card.features == TINY_PICTURES.inputs.features
    outside = {name for name in content(folder.parent) if not name.startswith("pictures/")}
    assert {name: content(folder.parent)[name] for name in outside} == content(genre_bundle)
    Bundle.load(folder.parent)


def test_a_variant_may_be_there_before_its_bundle(tmp_path: Path, genre_bundle: Path) -> None:
    variant = tmp_path / "models" / "genre" / "pictures"
    variant.mkdir(parents=True)
    (variant / CARD_FILE).write_bytes(b"the variant's card")

    folder = export(TINY_GENRE, write_run(tmp_path / "run"), tmp_path / "models")

    assert set(content(folder)) == {*content(genre_bundle), f"pictures/{CARD_FILE}"}
    assert (variant / CARD_FILE).read_bytes() == b"the variant's card"


@pytest.fixture
def old_bundle(tmp_path: Path, genre_bundle: Path) -> Path:
    """A copy of a bundle, with a variant in it, that an export may replace."""
    old = tmp_path / "models" / "genre"
    shutil.copytree(genre_bundle, old)
    (old / "pictures").mkdir()
    (old / "pictures" / CARD_FILE).write_bytes(b"the variant's card")
    return old


def assert_untouched(old: Path, before: dict[str, bytes]) -> None:
    assert content(old) == before
    assert [path.name for path in old.parent.iterdir()] == ["genre"]


def test_a_conversion_that_changes_the_network_is_refused(
    tmp_path: Path, old_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(old_bundle)
    monkeypatch.setattr(tf2onnx.convert, "from_keras", convert_another_network)

    with pytest.raises(TrainingError, match=r"differ from those of Keras by .* on 10 real windows"):
        export(TINY_GENRE, write_run(tmp_path / "run"), old_bundle.parent)

    assert_untouched(old_bundle, before)


def test_a_conversion_that_writes_a_broken_file_is_refused(
    tmp_path: Path, old_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_rubbish(*_: object, output_path: str, **__: object) -> None:
        Path(output_path).write_bytes(b"no network")

    before = content(old_bundle)
    monkeypatch.setattr(tf2onnx.convert, "from_keras", write_rubbish)

    with pytest.raises(TrainingError, match="onnxruntime cannot run the converted network"):
        export(TINY_GENRE, write_run(tmp_path / "run"), old_bundle.parent)

    assert_untouched(old_bundle, before)


def test_a_bundle_that_fails_the_services_proof_is_refused(
    tmp_path: Path, old_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(old_bundle)
    monkeypatch.setattr(export_module, "compute_grid", lambda *given: 1 - compute_grid(*given))

    with pytest.raises(TrainingError, match=r"service's own proof.*features differ"):
        export(TINY_GENRE, write_run(tmp_path / "run"), old_bundle.parent)

    assert_untouched(old_bundle, before)


def test_a_run_without_folds_is_refused(tmp_path: Path, old_bundle: Path) -> None:
    before = content(old_bundle)

    with pytest.raises(TrainingError, match="no fold results"):
        export(TINY_GENRE, write_run(tmp_path / "run", folds=[]), old_bundle.parent)

    assert_untouched(old_bundle, before)


def test_a_run_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.save_fold(make_fold(TINY_GENRE), TINY_GENRE.build(0))

    with pytest.raises(TrainingError, match="not finished"):
        export(TINY_GENRE, run, tmp_path / "models")

    assert not (tmp_path / "models" / "genre").exists()


def test_a_recipe_for_comparison_is_refused(tmp_path: Path) -> None:
    comparison = varied(TINY_GENRE, name="genre_otherwise", bundle=None)
    with pytest.raises(TrainingError, match="genre_otherwise is for comparison"):
        export(comparison, write_run(tmp_path / "run"), tmp_path / "models")


def test_golden_windows_are_those_of_the_recipe(genre_bundle: Path) -> None:
    with np.load(genre_bundle / "golden.npz") as golden:
        grid, logits = golden["features"], golden["logits"]
    assert len(logits) == len(cut_windows(grid, TINY_GENRE.inputs.windows))
    assert len(np.unique(grid)) > 500
