import errno
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

import training
from tests.training.failing import assert_fails
from tests.training.made import write_csv
from training.cli import main
from training.fitting import fit_task


@pytest.mark.parametrize("command", [(), ("tempo",), ("fit",), ("fit", "My Task", "--data", "x")])
def test_a_command_that_is_none_shows_the_usage(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(command)
    assert left.value.code == 2
    assert "usage: python -m training" in capsys.readouterr().err


def test_an_unknown_option_shows_what_its_command_can_be_told(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as left:
        main(["promote", "genre", "--even-if-better"])
    told = capsys.readouterr().err
    assert left.value.code == 2
    assert "usage: python -m training promote" in told
    assert "--even-if-worse" in told
    assert told.endswith("promote: error: unrecognized arguments: --even-if-better\n")


@pytest.mark.parametrize("command", ["prepare", "fit"])
def test_data_that_do_not_exist_are_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    message = assert_fails(
        capsys, command, "chord", "--data", f"{tmp_path}/nowhere", "--cache", f"{tmp_path}/cache"
    )
    assert f"{tmp_path}/nowhere does not exist" in message


@pytest.mark.parametrize(
    "command",
    [
        ("fit", "genre", "--data", "nowhere"),
        ("fit", "mood", "--data", ".", "--recipe", "nowhere"),
        ("fit", "chord", "--data", ".", "--outside", "nowhere"),
        ("fit", "chord", "--data", ".", "--songs", "nowhere"),
    ],
)
def test_a_wrong_path_fails_before_tensorflow_is_loaded(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    script = (
        "import sys; from training.cli import main; code = main(sys.argv[1:]);"
        "print(code, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script, *command],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(training.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["2", "False", "False"]
    assert done.stderr == "error: nowhere does not exist.\n"


@pytest.mark.parametrize("command", ["fit", "prepare"])
@pytest.mark.parametrize(
    ("recipe", "told"),
    [("genre", "layout of data is unknown"), ("mood", "holds neither mood.csv nor folders")],
)
def test_an_unknown_layout_fails_before_tensorflow_is_loaded(
    tmp_path: Path, command: str, recipe: str, told: str
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "notes.txt").write_text("no audio")
    script = (
        "import sys; from training.cli import main; code = main(sys.argv[1:]);"
        "print(code, 'tensorflow' in sys.modules, 'keras' in sys.modules)"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script, command, recipe, "--data", "data"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(training.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "2 False False\n"
    assert told in done.stderr


def test_an_error_is_a_json_line_where_lines_are_json(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    command = ["fit", "genre", "--data", f"{tmp_path}/nowhere", "--log-format", "json"]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["level"] == "error"
    assert json.loads(line)["message"] == f"{tmp_path}/nowhere does not exist."


@pytest.mark.parametrize("command", ["prepare", "fit"])
def test_an_unknown_layout_points_to_the_help(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    message = assert_fails(
        capsys, command, "chord", "--data", str(tmp_path), "--cache", f"{tmp_path}/cache"
    )
    assert "python -m training prepare --help" in message


@pytest.mark.parametrize(
    "wrong", [["--count", "0"], ["--made-songs", "-1"], ["--joined-s", "0"], ["--joined-s", "inf"]]
)
def test_numbers_that_must_be_above_zero_are_checked(
    capsys: pytest.CaptureFixture[str], wrong: list[str]
) -> None:
    command = ["outsiders", "models/chord"] if "--joined-s" in wrong else ["progressions", "chord"]
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--data", "x", "--json", "y", *wrong])
    assert f"argument {wrong[0]}: " in capsys.readouterr().err


def test_an_option_is_not_taken_for_another_that_begins_so(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["fit", "mood", "--data", ".", "--out", "runs/mine"])
    assert "unrecognized arguments: --out runs/mine" in capsys.readouterr().err


def test_an_interruption_says_that_the_command_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit_task, "fit", interrupted)
    data = write_csv(tmp_path / "list.csv", ("file", "chord"), [("a.wav", "Am")])
    (tmp_path / "a.wav").touch()

    assert main(["fit", "chord", "--data", str(data)]) == 130
    assert "goes on from here" in capsys.readouterr().err


def test_what_was_interrupted_ends_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow's threads and Python's end waited for each other, in one of eight fits."""

    def end(code: int) -> None:
        ended.append(code)

    ended: list[int] = []
    monkeypatch.setattr("os._exit", end)
    for code in (0, 130):
        monkeypatch.setattr("training.cli.main", lambda code=code: code)
        runpy.run_module("training", run_name="__main__")
    assert ended == [130]


def test_a_full_disk_is_told_in_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fit_task, "fit", full)
    data = write_csv(tmp_path / "list.csv", ("file", "chord"), [("a.wav", "Am")])
    (tmp_path / "a.wav").touch()

    message = assert_fails(capsys, "fit", "chord", "--data", str(data))
    assert "No space left on device" in message
    assert "goes on from here" in message


def test_numpy_keeps_to_one_thread() -> None:
    """Features are computed on all cores at once; threads below them only wait for each other."""
    script = (
        "import training.data.cache, threadpoolctl;"
        "print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
    )
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        cwd=Path(training.__file__).parents[1],
        env={name: value for name, value in os.environ.items() if name != "OPENBLAS_NUM_THREADS"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "{1}"


def test_the_module_can_be_run_and_fails_without_a_traceback(tmp_path: Path) -> None:
    done = subprocess.run(  # noqa: S603
        [
            sys.executable, "-m", "training", "evaluate", str(tmp_path / "nothing"),
            "--data", str(tmp_path), "--json", str(tmp_path / "figures.json"),
        ],
        cwd=Path(training.__file__).parents[1],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert f"error: {tmp_path}/nothing does not exist." in done.stderr
    assert "Traceback" not in done.stderr
