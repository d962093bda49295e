import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import pytest
import tf2onnx

from service.inference.bundle import Bundle
from service.inference.bundle_files import BANK_FILE, CARD_FILE, HASHED_FILES, file_sha256
from service.inference.features import compute_grid
from service.inference.windows import cut_windows
from tests.training.runs import make_fold, write_run
from tests.training.tiny import TINY_GENRE, TINY_PICTURES, varied
from training.data.filter_banks import make_bank
from training.errors import TrainingError
from training.fitting.run_folder import RunFolder
from training.networks.architectures import serving_network
from training.results import export as export_module
from training.results.export import export

CONVERT = tf2onnx.convert.from_keras


def content(folder: Path) -> dict[str, bytes]:
    """Return all files of a folder and of those in it."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def convert_another_network(*_: object, **settings: Any) -> object:
    """Write the network of another run in place of the one asked for."""
    keras.utils.set_random_seed(99)
    network = serving_network(TINY_GENRE.build(0))
    return CONVERT(network, *_[1:], **settings)


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
    def no_network(*_: object, **__: object) -> tuple[onnx.ModelProto, None]:
        return onnx.ModelProto(), None

    before = content(old_bundle)
    monkeypatch.setattr(tf2onnx.convert, "from_keras", no_network)

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
