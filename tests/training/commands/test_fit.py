from pathlib import Path

import pytest

from tests.audio import noise
from tests.training.failing import assert_fails
from tests.training.made import write_csv, write_guitar_chords_v3, write_wav
from tests.training.runs import make_fold
from tests.training.tiny import TINY_GENRE, varied
from training.cli import main
from training.fitting.run_folder import RunFolder
from training.networks import listener, musicnn_weights
from training.recipes import RECIPES


def fit_fails(capsys: pytest.CaptureFixture[str], recipe: str, data: Path) -> str:
    """Fit a recipe on a list beside which all else is kept, which must fail; return the message."""
    run, cache = data.parent / "run", data.parent / "cache"
    return assert_fails(
        capsys, "fit", recipe, "--data", str(data), "--run", str(run), "--cache", str(cache)
    )


def test_a_fit_without_a_readable_clip_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "list.csv", ("file", "chord"), [("empty.wav", "Am")])
    (tmp_path / "empty.wav").touch()
    message = fit_fails(capsys, "chord", data)
    assert "None of the clips can be read" in message


def test_a_fit_of_which_no_file_is_there_is_refused_with_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = [(f"{n}.wav", label) for n, label in enumerate(["calm", "angry"])]
    message = fit_fails(capsys, "mood", write_csv(tmp_path / "list.csv", ("file", "mood"), rows))
    assert "None of the 2 files that the data list is there" in message


@pytest.mark.parametrize(
    ("recipe", "measured", "asked", "advice"),
    [
        ("genre", True, ["--no-folds"], "report genre --run {run}, then promote genre --run {run}"),
        ("genre", False, ["--no-folds"], "without --no-folds"),
        ("genre", False, [], "see the warning above"),
        ("genre_statistics", True, [], "report genre_statistics --run {run}"),  # cannot be served
    ],
)
def test_a_fit_that_ends_tells_what_comes_next(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    recipe: str,
    measured: bool,
    asked: list[str],
    advice: str,
) -> None:
    monkeypatch.setattr("training.fitting.fit_task.fit", lambda _: None)
    run = RunFolder(tmp_path / "run")
    if measured:
        run.save_fold(make_fold(TINY_GENRE), TINY_GENRE.build(0))
    caplog.set_level("INFO")
    data = write_csv(tmp_path / "list.csv", ("file", "genre"), [("a.wav", "rock")])
    (tmp_path / "a.wav").touch()
    assert main(["fit", recipe, "--data", str(data), "--run", str(run.path), *asked]) == 0
    assert caplog.messages[-1].startswith("finished")
    assert caplog.messages[-1].endswith(advice.format(run=run.path))


def test_a_missing_teacher_says_what_to_install(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(musicnn_weights, "find_spec", lambda _: None)
    data = write_csv(tmp_path / "list.csv", ("file", "genre"), [("empty.wav", "jazz")])
    (tmp_path / "empty.wav").touch()
    message = fit_fails(capsys, "genre_pictures", data)
    assert "pip install --no-deps musicnn" in message


def test_a_missing_backbone_says_where_it_is_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = varied(RECIPES["genre"], rendering=None)
    monkeypatch.setitem(RECIPES, "genre", recipe)
    monkeypatch.setattr(listener, "WEIGHTS_FILE", tmp_path / "gone.npz")
    write_wav(tmp_path / "clip.wav", noise(0.5, rate_hz=22_050), 22_050)
    data = write_csv(tmp_path / "list.csv", ("file", "genre"), [("clip.wav", "jazz")])
    message = fit_fails(capsys, "genre", data)
    assert "gone.npz is missing" in message
    assert "training listen" in message


@pytest.mark.usefixtures("_tiny")
def test_a_finished_command_can_be_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_guitar_chords_v3(Path("recordings"), chords=("Am",), players=("Jo", "Bo"), takes=1)
    command = ["fit", "chord", "--data", "recordings", "--no-folds"]

    assert main(command) == 0
    first = RunFolder(Path("runs/chord")).record()
    assert first.command == "python -m training fit chord --data recordings --seed 1 --no-folds"
    assert main(command) == 0

    assert RunFolder(Path("runs/chord")).record().history == first.history
