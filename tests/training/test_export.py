import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tf2onnx

from service import __version__
from service.bundle import BANK_FILE, CARD_FILE, HASHED_FILES, MODEL_FILE, Bundle, file_sha256
from service.features import compute_grid
from service.windows import cut_windows
from tests.audio import tone
from tests.training.made import write_csv, write_wav
from tests.training.runs import make_fold, write_run
from tests.training.tiny import TINY_GENRE, TOY, with_fit
from training import export as export_module
from training.cache import FeatureCache
from training.errors import TrainingError
from training.export import convert, export
from training.figures import calibrate
from training.filter_banks import make_bank
from training.fit_job import FitJob, fit
from training.networks import chord_net, listening_net, serving_network, statistics_net
from training.run_folder import RunFolder

CONVERT = tf2onnx.convert.from_keras


@pytest.fixture(scope="module")
def fitted_run(tmp_path_factory: pytest.TempPathFactory) -> RunFolder:
    """A run of a small network that really learned to tell low tones from high ones."""
    folder = tmp_path_factory.mktemp("fitted")
    rate_hz = TOY.features.sample_rate_hz
    rows = []
    for n in range(12):
        label, frequency_hz = (("sad", 300), ("happy", 2_500))[n % 2]
        write_wav(folder / f"{n}.wav", tone(frequency_hz + 5 * n, 0.6, rate_hz=rate_hz), rate_hz)
        rows.append((f"{n}.wav", label, f"artist-{n}"))
    run = RunFolder(folder / "run")
    fit(
        FitJob(
            recipe=with_fit(TOY, epochs=8),
            data=[write_csv(folder / "emotion.csv", ("file", "emotion", "group"), rows)],
            run=run,
            cache=FeatureCache(folder / "cache"),
            seed=1,
            use_teacher=False,
            with_folds=True,
            cluster=None,
            command="python -m training fit emotion --data made",
        )
    )
    return run


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def convert_another_network(*_: object, **settings: Any) -> object:
    """Write the network of another run in place of the one asked for."""
    keras.utils.set_random_seed(99)
    network = serving_network(TINY_GENRE.build(0))
    return CONVERT(network, *_[1:], **settings)


def test_a_fitted_run_becomes_a_bundle_that_the_service_accepts(
    fitted_run: RunFolder, tmp_path: Path
) -> None:
    export(TOY, fitted_run, tmp_path / "models" / "emotion")

    bundle = Bundle.load(tmp_path / "models" / "emotion")
    rate_hz = TOY.features.sample_rate_hz
    for label, frequency_hz in (("sad", 310), ("happy", 2_540)):
        grid = bundle.features(tone(frequency_hz, 1.0, rate_hz=rate_hz))
        probabilities = bundle.probabilities(bundle.window_logits(grid).mean(axis=0))
        assert bundle.card.labels[int(probabilities.argmax())] == label


def test_the_bundle_answers_as_the_network_in_keras(fitted_run: RunFolder, tmp_path: Path) -> None:
    export(TOY, fitted_run, tmp_path / "emotion")
    windows = fitted_run.real_windows()

    answers = Bundle.load(tmp_path / "emotion").run(windows)

    expected = np.asarray(fitted_run.network()(windows, training=False)["logits"])
    np.testing.assert_allclose(answers, expected, atol=1e-4)


def test_the_card_is_the_contract_and_the_record(fitted_run: RunFolder, tmp_path: Path) -> None:
    export(TOY, fitted_run, tmp_path / "emotion")

    card = Bundle.load(tmp_path / "emotion").card
    record = fitted_run.record()
    assert card.task == "emotion"
    assert tuple(card.labels) == TOY.labels
    assert card.features == TOY.features
    assert card.windows == TOY.windows
    assert card.calibration == calibrate(fitted_run)
    assert card.version == TOY.version
    assert card.training.command == record.command
    assert card.training.seed == record.seed
    assert card.training.epochs == record.epochs
    assert card.training.data_sets == record.clips_by_data_set
    assert card.training.parameters == fitted_run.network().count_params()
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
    np.testing.assert_array_equal(np.load(genre_bundle / BANK_FILE), make_bank(TINY_GENRE.features))


def test_the_teacher_is_left_behind(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    taught = TINY_GENRE.build(250)
    run.save_network(taught, run.record(), run.real_windows())

    export(TINY_GENRE, run, tmp_path / "genre")

    bundle = Bundle.load(tmp_path / "genre")
    assert bundle.card.training.parameters < taught.count_params()
    assert bundle.run(run.real_windows()).shape == (10, len(TINY_GENRE.labels))


def test_a_new_bundle_takes_the_place_of_the_old_one(tmp_path: Path, genre_bundle: Path) -> None:
    old = tmp_path / "models" / "genre"
    old.mkdir(parents=True)
    (old / "left_over.bin").write_bytes(b"old")

    export(TINY_GENRE, write_run(tmp_path / "run"), old)

    assert set(content(old)) == set(content(genre_bundle))
    Bundle.load(old)


@pytest.fixture
def old_bundle(tmp_path: Path, genre_bundle: Path) -> Path:
    """A copy of a bundle that an export may replace."""
    old = tmp_path / "models" / "genre"
    old.mkdir(parents=True)
    for name, data in content(genre_bundle).items():
        (old / name).write_bytes(data)
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
        export(TINY_GENRE, write_run(tmp_path / "run"), old_bundle)

    assert_untouched(old_bundle, before)


def test_a_conversion_that_writes_a_broken_file_is_refused(
    tmp_path: Path, old_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write_rubbish(*_: object, output_path: str, **__: object) -> None:
        Path(output_path).write_bytes(b"no network")

    before = content(old_bundle)
    monkeypatch.setattr(tf2onnx.convert, "from_keras", write_rubbish)

    with pytest.raises(TrainingError, match="onnxruntime cannot run the converted network"):
        export(TINY_GENRE, write_run(tmp_path / "run"), old_bundle)

    assert_untouched(old_bundle, before)


def test_a_network_that_answers_nan_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    network = run.network()
    network.set_weights([np.full_like(w, np.nan) for w in network.get_weights()])

    with pytest.raises(TrainingError, match="differ from those of Keras by nan"):
        convert(serving_network(network), tmp_path / MODEL_FILE, run.real_windows())


def test_a_bundle_that_fails_the_services_proof_is_refused(
    tmp_path: Path, old_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = content(old_bundle)
    monkeypatch.setattr(export_module, "compute_grid", lambda *given: 1 - compute_grid(*given))

    with pytest.raises(TrainingError, match=r"service's own proof.*features differ"):
        export(TINY_GENRE, write_run(tmp_path / "run"), old_bundle)

    assert_untouched(old_bundle, before)


def test_a_run_without_folds_is_refused(tmp_path: Path, old_bundle: Path) -> None:
    before = content(old_bundle)

    with pytest.raises(TrainingError, match="no fold results"):
        export(TINY_GENRE, write_run(tmp_path / "run", folds=[]), old_bundle)

    assert_untouched(old_bundle, before)


def test_a_run_that_is_not_finished_is_refused(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.save_fold(make_fold(TINY_GENRE))

    with pytest.raises(TrainingError, match="not finished"):
        export(TINY_GENRE, run, tmp_path / "models" / "genre")

    assert not (tmp_path / "models" / "genre").exists()


def test_a_recipe_for_comparison_is_refused(tmp_path: Path) -> None:
    comparison = replace(TINY_GENRE, name="genre_otherwise")
    with pytest.raises(TrainingError, match="genre_otherwise is for comparison"):
        export(comparison, write_run(tmp_path / "run"), tmp_path / "models" / "genre")


@pytest.mark.parametrize(
    "network",
    [
        lambda: chord_net(20, 216, 6, width=4),
        lambda: listening_net(32, 32, 10, teacher_targets=5),
        lambda: statistics_net(57, 10),
    ],
    ids=["chord_net", "listening_net", "statistics_net"],
)
def test_every_architecture_converts_faithfully(network: Any, tmp_path: Path) -> None:
    """With weights that no layer starts from, so that one left out would show."""
    keras.utils.set_random_seed(1)
    served = serving_network(network())
    rng = np.random.default_rng(0)
    served.set_weights(
        [w + 0.05 * rng.standard_normal(w.shape, np.float32) for w in served.get_weights()]
    )
    windows = rng.random((5, *served.input_shape[1:]), dtype=np.float32)

    convert(served, tmp_path / MODEL_FILE, windows)  # compares both

    assert np.std(np.asarray(served(windows))) > 0


def test_golden_windows_are_those_of_the_recipe(genre_bundle: Path) -> None:
    with np.load(genre_bundle / "golden.npz") as golden:
        grid, logits = golden["features"], golden["logits"]
    assert len(logits) == len(cut_windows(grid, TINY_GENRE.windows))
    assert len(np.unique(grid)) > 500
