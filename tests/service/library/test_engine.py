from pathlib import Path

import pytest
from distributed import KilledWorker, LocalCluster

from service.bulk import Done
from service.library import engine
from service.library.engine import dask_engine
from service.library.problems import LibraryError
from service.library.question import Outcome, Question
from service.library.work import Bundles
from tests.bundles import write_bundle
from tests.service.library.libraries import TASKS, write_library

QUESTION = Question(tasks=TASKS)


def test_files_are_hashed_and_classified_in_processes(models_dir: Path, tmp_path: Path) -> None:
    files = [str(file) for file in write_library(tmp_path, 8).iterdir()]

    with dask_engine(models_dir, TASKS, None, 1) as workers:
        hashed = {outcome.file: outcome.sha256 for outcome in workers.hash(files)}
        outcomes = list(workers.classify(files, QUESTION))

    assert {outcome.file: outcome.sha256 for outcome in outcomes} == hashed
    assert sorted(hashed) == sorted(files)
    assert all(outcome.answers is not None for outcome in outcomes)


def test_nothing_is_started_when_there_is_nothing_to_do(models_dir: Path) -> None:
    address = "tcp://127.0.0.1:1"  # nobody may listen there

    with dask_engine(models_dir, TASKS, address, 1) as workers:
        assert set(workers.models) == set(TASKS)


def test_a_cluster_that_does_not_answer_ends_the_run(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.bulk.CONNECT_S", 1)
    address = "tcp://127.0.0.1:1"  # nobody may listen there

    with (
        pytest.raises(LibraryError, match="No Dask scheduler answers"),
        dask_engine(models_dir, TASKS, address, 1) as workers,
    ):
        list(workers.hash(["a"]))


def test_a_file_that_kills_its_workers_has_that_problem() -> None:
    killed = KilledWorker("task", "worker", 3)

    (outcome,) = engine._outcomes([Done[str, Outcome]("a.mp3", error=killed)])

    assert (outcome.file, outcome.slug) == ("a.mp3", "worker-killed")
    assert outcome.detail == "4 worker processes died while they had this file."


def test_workers_with_other_models_than_the_command_end_the_run(
    models_dir: Path, tmp_path: Path
) -> None:
    write_bundle(tmp_path / "genre", labels=("a", "b"))
    files = [str(file) for file in write_library(tmp_path / "music", 1).iterdir()]
    with (
        LocalCluster(
            n_workers=1, protocol="tcp://", processes=False, dashboard_address=None
        ) as cluster,
        dask_engine(models_dir, ("genre",), cluster.scheduler_address, 1) as workers,
    ):
        workers._bundles = Bundles(str(tmp_path), workers._bundles.models)
        with pytest.raises(LibraryError, match="another genre model"):
            list(workers.classify(files, Question(tasks=("genre",))))


def test_missing_models_are_told_and_which_there_are(tmp_path: Path) -> None:
    with (
        pytest.raises(LibraryError, match="holds no model of genre, but of no task"),
        dask_engine(tmp_path, ("genre",), None, 1),
    ):
        pytest.fail("there are none")
    write_bundle(tmp_path / "genre")
    with (
        pytest.raises(
            LibraryError, match=r"no model of mood, but of genre\. Choose tasks by --tasks"
        ),
        dask_engine(tmp_path, ("genre", "mood"), None, 1),
    ):
        pytest.fail("one is missing")
