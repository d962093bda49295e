"""The command as people start it, and what is left when it or its workers are killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import psutil
import pytest

from service.library.__main__ import main
from service.library.command import summary
from service.library.question import Question
from service.library.run import Order, run
from service.library.state import PART_ROWS, Counts, State
from tests.server import ROOT
from tests.service.library.libraries import TASKS, InlineEngine, write_library, write_song
from tests.service.library.started import Started

COUNT = 2 * PART_ROWS + 20
TIMEOUT_S = 120


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_library(tmp_path_factory.mktemp("library"), COUNT)


@pytest.fixture(scope="module")
def undisturbed(library: Path, models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The table of a run that nobody disturbed."""
    folder = tmp_path_factory.mktemp("undisturbed")
    order = Order((str(library),), folder / "out.csv", Question(tasks=TASKS))
    with closing(State(folder / "state")) as state:
        run(order, state, InlineEngine(models_dir))
    return (folder / "out.csv").read_text()


def command(library: Path, out: Path, models_dir: Path, *more: str) -> list[str]:
    fixed = [str(library), "--out", str(out), "--models", str(models_dir), "--processes", "1"]
    return [sys.executable, "-m", "service.library", *fixed, *more]


def test_a_command_that_is_killed_goes_on_where_it_was(
    library: Path, models_dir: Path, tmp_path: Path, undisturbed: str
) -> None:
    out = tmp_path / "out.csv"
    arguments = command(library, out, models_dir)
    first = Started(arguments, tmp_path / "log")
    first.wait_until_classified(2 * PART_ROWS + 1)  # of which at most one part is lost
    family = psutil.Process(first.process.pid).children(recursive=True)

    first.process.kill()
    first.process.wait()

    assert psutil.wait_procs(family, timeout=TIMEOUT_S)[1] == []  # nobody is left behind
    second = Started(arguments, tmp_path / "log2")
    assert second.process.wait(TIMEOUT_S) == 0
    assert second.classified <= COUNT - PART_ROWS
    assert out.read_text() == undisturbed


def test_a_worker_that_is_killed_costs_no_answer(
    library: Path, models_dir: Path, tmp_path: Path, undisturbed: str
) -> None:
    out = tmp_path / "out.csv"
    started = Started(command(library, out, models_dir), tmp_path / "log")
    started.wait_until_classified(COUNT // 2)
    (worker,) = started.workers()
    worker.kill()

    assert started.process.wait(TIMEOUT_S) == 0
    assert out.read_text() == undisturbed


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_keeps_what_was_answered(
    library: Path, models_dir: Path, tmp_path: Path, told: signal.Signals
) -> None:
    out = tmp_path / "out.csv"
    started = Started(command(library, out, models_dir), tmp_path / "log")
    started.wait_until_classified(1)

    started.process.send_signal(told)

    assert started.process.wait(TIMEOUT_S) == 130
    assert "The same command goes on from here." in started.log.read_text()
    with closing(State(tmp_path / "out.csv.state")) as state:
        question = Question(tasks=TASKS)
        state.begin(question, InlineEngine(models_dir).models)
        state.list([], lambda: None)
        ((kept,),) = state._database.execute("SELECT COUNT(*) FROM answers")
    assert kept >= 1


def test_exit_codes_tell_how_it_went(
    models_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @contextmanager
    def inline(models: Path, tasks: tuple[str, ...], *_: object) -> Iterator[InlineEngine]:
        yield InlineEngine(models, tasks)

    monkeypatch.setattr("service.library.command.dask_engine", inline)
    music = tmp_path / "music"
    write_song(music / "a.wav")
    arguments = command(music, tmp_path / "out.jsonl", models_dir, "--quiet")[3:]

    (music / "broken.mp3").write_bytes(b"ID3")
    assert main(arguments) == 1
    assert "1 answered, 1 with a problem" in capsys.readouterr().out
    assert main([*arguments, "--top-k", "2"]) == 2
    assert "--fresh" in capsys.readouterr().err
    (music / "broken.mp3").unlink()
    assert main([*arguments, "--top-k", "2", "--fresh"]) == 0
    assert "1 file in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--out", "t.xls"], r"write one of"),
        (["--url", "http://a", "--scheduler", "tcp://b"], "exclude each other"),
        (["--url", "localhost:80"], "must begin with http:// or https://"),
        (["--api-key-file", "key"], "goes with --url"),
        (["--yes"], "goes with --write-tags"),
        (["--out", "none/t.csv"], "no folder; make it first"),
        (["--models", "none"], "holds no models"),
        (["--url", "http://a", "--api-key-file", "none"], "cannot be read"),
        (["--url", "http://a", "--api-key-file", "odd-key"], "one key, in ASCII"),
    ],
)
def test_what_does_not_fit_is_told_before_anything_is_done(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("odd-key").write_text("clé\n", "utf-8")

    assert main([".", "--out", "t.csv", *more]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "t.csv").exists()


def test_missing_packages_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("service.library.__main__.NEEDED", ("distributed", "no_such_package"))

    assert main([]) == 2
    assert "no_such_package is not installed; pip install" in capsys.readouterr().err


def test_counts_are_told_with_what_to_do() -> None:
    told = summary(Counts(9, 7, 2, 8, 3, 4), Path("t.csv"), 12.3)

    assert told.splitlines() == [
        "9 files in t.csv, 12 s: 7 answered, 2 with a problem, 8 different contents",
        "3 have changed since; --redo changed classifies them again",
        "4 were answered by other models than the present ones; "
        "--redo models classifies them again",
    ]


def test_the_environment_names_the_models(models_dir: Path, tmp_path: Path) -> None:
    write_song(tmp_path / "music" / "a.wav")
    fixed = ["music", "--out", "out.csv", "--quiet", "--processes", "1"]
    arguments = [sys.executable, "-m", "service.library", *fixed]
    done = subprocess.run(  # noqa: S603  # our own command
        arguments,
        cwd=tmp_path,
        env=os.environ | {"SERVICE_MODELS_DIR": str(models_dir), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
