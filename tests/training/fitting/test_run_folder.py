import errno
from collections.abc import Callable
from pathlib import Path

import keras
import numpy as np
import pytest

from tests.training.runs import make_fold, make_record, with_cuts, write_run
from tests.training.tiny import TINY_GENRE
from training.errors import TrainingError
from training.fitting.run_folder import RunFolder

SHAPE = (TINY_GENRE.inputs.windows.frames, TINY_GENRE.inputs.features.bands)
WINDOWS = np.random.default_rng(0).random((4, *SHAPE), dtype=np.float32)


@pytest.fixture(scope="module")
def network() -> keras.Model:
    """A network with random weights."""
    return TINY_GENRE.build(0)


def test_a_fold_comes_back_as_it_was_kept(tmp_path: Path, network: keras.Model) -> None:
    kept = with_cuts(make_fold(TINY_GENRE, "zaps36", data_sets=("a", "b")), {0.1: 2.0}, 3.0)
    RunFolder(tmp_path / "run").save_fold(kept, network)

    (loaded,) = RunFolder(tmp_path / "run").folds()

    assert loaded.name == "zaps36"
    assert loaded.clip_names == kept.clip_names
    assert loaded.data_sets == kept.data_sets
    assert loaded.groups == kept.groups
    np.testing.assert_array_equal(loaded.truth, kept.truth)
    np.testing.assert_array_equal(loaded.logits, kept.logits)
    np.testing.assert_array_equal(loaded.durations_s, kept.durations_s)
    np.testing.assert_array_equal(loaded.cuts_s, kept.cuts_s)
    np.testing.assert_array_equal(loaded.cut_logits, kept.cut_logits)


def test_a_fold_of_an_older_version_is_refused(tmp_path: Path, network: keras.Model) -> None:
    run = RunFolder(tmp_path / "run")
    run.save_fold(make_fold(TINY_GENRE, "a"), network)
    file = tmp_path / "run" / "folds" / "a.npz"
    with np.load(file) as stored:
        older = {name: stored[name] for name in stored.files if "cut" not in name}
    np.savez(file, **older)
    with pytest.raises(TrainingError, match=r"older version.*Start a new run"):
        run.folds()


def test_finished_folds_are_known(tmp_path: Path, network: keras.Model) -> None:
    run = RunFolder(tmp_path)
    run.save_fold(make_fold(TINY_GENRE, "groups-2"), network)

    assert run.has_fold("groups-2")
    assert not run.has_fold("groups-1")


def test_folds_come_by_name(tmp_path: Path, network: keras.Model) -> None:
    run = RunFolder(tmp_path)
    for name in ("c", "a", "b"):
        run.save_fold(make_fold(TINY_GENRE, name), network)
    assert [fold.name for fold in run.folds()] == ["a", "b", "c"]


def test_a_fold_kept_again_takes_the_place_of_the_old_one(
    tmp_path: Path, network: keras.Model
) -> None:
    run = RunFolder(tmp_path)
    run.save_fold(make_fold(TINY_GENRE, "a", seed=1), network)
    again = make_fold(TINY_GENRE, "a", seed=2)
    run.save_fold(again, network)

    (loaded,) = run.folds()
    np.testing.assert_array_equal(loaded.logits, again.logits)


def test_a_run_that_never_began_has_no_folds(tmp_path: Path) -> None:
    assert RunFolder(tmp_path / "nothing").folds() == []


def test_a_fold_whose_writing_was_interrupted_does_not_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: keras.Model
) -> None:
    run = RunFolder(tmp_path)
    run.save_fold(make_fold(TINY_GENRE, "a"), network)

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", interrupt)
        with pytest.raises(KeyboardInterrupt):
            run.save_fold(make_fold(TINY_GENRE, "b"), network)

    assert [fold.name for fold in run.folds()] == ["a"]
    assert not run.has_fold("b")


def test_the_network_answers_as_before_it_was_saved(tmp_path: Path) -> None:
    network = TINY_GENRE.build(5)
    run = RunFolder(tmp_path / "run")
    run.save_network(network, make_record(TINY_GENRE), WINDOWS)

    loaded = RunFolder(tmp_path / "run").network()

    before, after = network(WINDOWS), loaded(WINDOWS)
    for name in ("logits", "teacher"):
        np.testing.assert_array_equal(np.asarray(after[name]), np.asarray(before[name]))


def test_each_fold_keeps_the_network_that_never_saw_it(tmp_path: Path) -> None:
    networks = {name: TINY_GENRE.build(0) for name in ("a", "b")}
    run = RunFolder(tmp_path / "run")
    for name, network in networks.items():
        run.save_fold(make_fold(TINY_GENRE, name), network)
    run.save_network(TINY_GENRE.build(0), make_record(TINY_GENRE), WINDOWS)

    loaded = {name: RunFolder(tmp_path / "run").fold_network(name) for name in networks}

    answers = {name: np.asarray(network(WINDOWS)["logits"]) for name, network in loaded.items()}
    for name, network in networks.items():
        np.testing.assert_array_equal(answers[name], np.asarray(network(WINDOWS)["logits"]))
    assert not np.allclose(answers["a"], answers["b"])


def test_a_fold_that_is_not_finished_has_no_network(tmp_path: Path) -> None:
    run = write_run(tmp_path, folds=[make_fold(TINY_GENRE, "a")])
    with pytest.raises(TrainingError, match=r"b\.keras does not exist.*python -m training fit"):
        run.fold_network("b")


def test_record_and_windows_come_back_as_they_were_kept(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    run.save_network(TINY_GENRE.build(0), make_record(TINY_GENRE), WINDOWS)

    assert run.record() == make_record(TINY_GENRE)
    np.testing.assert_array_equal(run.real_windows(), WINDOWS)


@pytest.mark.parametrize(
    ("missing", "read"),
    [
        ("network.keras", RunFolder.network),
        ("real_windows.npy", RunFolder.real_windows),
        ("run.json", RunFolder.record),
    ],
)
def test_a_run_that_is_not_finished_says_how_to_go_on(
    tmp_path: Path, missing: str, read: Callable[[RunFolder], object]
) -> None:
    run = write_run(tmp_path)
    (tmp_path / missing).unlink()

    with pytest.raises(TrainingError, match=f"{missing} does not exist.*python -m training fit"):
        read(run)


def test_each_fold_has_a_backup_of_its_own(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert len({run.backup("a"), run.backup("b"), run.backup("final")}) == 3
    assert run.backup("a").is_relative_to(tmp_path)


def test_a_folder_is_not_used_for_two_different_runs(tmp_path: Path) -> None:
    RunFolder(tmp_path).claim("one")
    RunFolder(tmp_path).claim("one")
    with pytest.raises(TrainingError, match="--run"):
        RunFolder(tmp_path).claim("another")


def test_a_full_disk_does_not_make_a_run_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: Path, *_: object) -> int:
        file.touch()
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        with pytest.raises(OSError, match="No space left"):
            RunFolder(tmp_path).claim("one")
    RunFolder(tmp_path).claim("one")
