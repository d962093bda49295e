import json
import logging
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

import training
from service.settings import Settings
from tests.audio import noise
from tests.service.serving import serve
from tests.training.comparison.small import use_small_systems
from tests.training.data.readers.pictures import random_levels
from tests.training.fitting.test_song_windows import write_song
from tests.training.made import (
    GUITAR_RATE_HZ,
    strum,
    write_csv,
    write_guitar_chords_v3,
    write_moods,
    write_wav,
)
from tests.training.runs import make_fold
from tests.training.tiny import LINEAR_CHORD, TINY_GENRE, varied
from tests.training.untrained import train_the_last
from training.cli import main
from training.commands.compare import FEATURE_NAMES, MODEL_NAMES
from training.commands.options import RECIPE_NAMES
from training.comparison import compare_job
from training.data.labels import CHORDS
from training.fitting import fit_task, fit_without
from training.fitting.run_folder import RunFolder
from training.networks import listener, musicnn_weights
from training.recipes import RECIPES

MEASUREMENTS = ("evaluate", "compare", "progressions", "invariance")
COMMANDS = (
    "prepare", "fit", "export", "promote", *MEASUREMENTS, "outsiders", "report", "recipe",
    "render", "learn-songs",
)  # fmt: skip


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    """Recipes that train in a second, and only the network that is kept."""
    monkeypatch.setitem(RECIPES, "chord", LINEAR_CHORD)
    monkeypatch.setitem(RECIPES, "genre", TINY_GENRE)
    monkeypatch.setattr(fit_without, "fit_network", train_the_last)


def help_of(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit) as left:
        main([*command, "--help"])
    assert left.value.code == 0
    return capsys.readouterr().out


def assert_fails(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """Run a command that must fail with 2 and a message; return the message."""
    assert main(command) == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    lines = [line for line in message.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]


def test_the_names_of_the_recipes_are_complete() -> None:
    assert set(RECIPE_NAMES) == set(RECIPES)


def test_the_help_teaches_the_usual_order(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys)
    order = [text.index(f"python -m training {name}") for name in ("fit", "report", "promote")]
    assert order == sorted(order)
    assert all(command in text for command in COMMANDS)


@pytest.mark.parametrize("command", ["prepare", "fit", *MEASUREMENTS])
def test_the_help_says_what_data_may_be(capsys: pytest.CaptureFixture[str], command: str) -> None:
    text = help_of(capsys, command)
    for layout in (
        "a CSV with the columns 'file'", "an .npz with 'mel'", "gtzan_mel.npz", "genres_original",
        "images_original", "guitar-chords-v3: Training/<chord>", "Train.csv", "features_30_sec.csv",
    ):  # fmt: skip
        assert layout in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_explained(capsys: pytest.CaptureFixture[str], command: str) -> None:
    text = help_of(capsys, command)
    options = (
        text[text.index("options:") :]
        .split("\nDATA is")[0]
        .split("\nThe systems")[0]
        .split("\nTwo exams")[0]
        .split("\nClips are sent")[0]
        .split("\nAsks the bundle")[0]
        .split("\nThe new bundle")[0]
    )
    for entry in options.split("\n  --")[1:]:
        words = entry.split()
        assert any(word.islower() and word.isalpha() for word in words[1:]), entry


@pytest.mark.parametrize("command", [(), ("tempo",), ("fit",), ("fit", "My Task", "--data", "x")])
def test_a_command_that_is_none_shows_the_usage(
    capsys: pytest.CaptureFixture[str], command: tuple[str, ...]
) -> None:
    with pytest.raises(SystemExit) as left:
        main(command)
    assert left.value.code == 2
    assert "usage: python -m training" in capsys.readouterr().err


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


@pytest.mark.usefixtures("_tiny")
def test_a_recipe_is_printed_in_the_form_that_fit_takes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["recipe", "chord", "--run", str(tmp_path)]) == 0
    table = tomllib.loads(capsys.readouterr().out)
    assert table["fit"]["epochs"] == LINEAR_CHORD.fit.epochs
    assert table["task"] == "chord"


@pytest.mark.parametrize("command", ["prepare", "fit"])
def test_an_unknown_layout_points_to_the_help(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    message = assert_fails(
        capsys, command, "chord", "--data", str(tmp_path), "--cache", f"{tmp_path}/cache"
    )
    assert "python -m training prepare --help" in message


def test_a_fit_without_a_readable_clip_fails(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    data = write_csv(tmp_path / "list.csv", ("file", "chord"), [("missing.wav", "Am")])
    message = assert_fails(
        capsys, "fit", "chord", "--data", str(data), "--run", f"{tmp_path}/run",
        "--cache", f"{tmp_path}/cache",
    )  # fmt: skip
    assert "None of the clips can be read" in message


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


def test_progressions_without_anything_to_hear_say_what_to_give(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "--songs FOLDER" in assert_fails(capsys, "progressions")


def test_songs_are_scored_without_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_wav(tmp_path / "songs" / "a.wav", strum("Am", seed=1), GUITAR_RATE_HZ)
    (tmp_path / "songs" / "a.lab").write_text("0.0 1.2 A:min\n", "utf-8")
    bundle = str(Path(__file__).parents[2] / "models" / "chord")
    songs = ["progressions", "--songs", str(tmp_path / "songs"), "--bundle", bundle]
    assert main([*songs, "--json", str(tmp_path / "figures.json")]) == 0
    assert "1 recordings | 1.000" in capsys.readouterr().err
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert figures["rows"][0]["file"] == "a.wav"


@pytest.mark.parametrize("command", ["export", "report"])
def test_a_run_that_is_not_finished_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    run = RunFolder(tmp_path / "run")
    run.save_fold(make_fold(TINY_GENRE), TINY_GENRE.build(0))
    message = assert_fails(capsys, command, "genre", "--run", str(run.path))
    assert "this run is not finished" in message


@pytest.mark.parametrize(
    ("measured", "asked", "advice"),
    [
        (True, ["--no-folds"], "report genre --run {run}, then promote genre --run {run}"),
        (False, ["--no-folds"], "without --no-folds"),
        (False, [], "see the warning above"),
    ],
)
def test_a_fit_that_ends_tells_what_comes_next(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
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
    assert main(["fit", "genre", "--data", str(data), "--run", str(run.path), *asked]) == 0
    assert caplog.messages[-1].startswith("finished")
    assert advice.format(run=run.path) in caplog.messages[-1]


def test_a_recipe_for_comparison_cannot_be_exported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = assert_fails(capsys, "export", "genre_statistics", "--run", str(tmp_path))
    assert "for comparison" in message


def test_a_missing_teacher_says_what_to_install(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(musicnn_weights, "find_spec", lambda _: None)
    data = write_csv(tmp_path / "list.csv", ("file", "genre"), [("missing.wav", "jazz")])
    message = assert_fails(
        capsys, "fit", "genre_pictures", "--data", str(data), "--run", f"{tmp_path}/run",
        "--cache", f"{tmp_path}/cache",
    )  # fmt: skip
    assert "pip install --no-deps musicnn" in message


def test_a_missing_backbone_says_where_it_is_from(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = varied(RECIPES["genre"], rendering=None)
    monkeypatch.setitem(RECIPES, "genre", recipe)
    monkeypatch.setattr(listener, "WEIGHTS_FILE", tmp_path / "gone.npz")
    write_wav(tmp_path / "clip.wav", noise(0.5, rate_hz=22_050), 22_050)
    data = write_csv(tmp_path / "list.csv", ("file", "genre"), [("clip.wav", "jazz")])
    message = assert_fails(
        capsys, "fit", "genre", "--data", str(data), "--run", f"{tmp_path}/run",
        "--cache", f"{tmp_path}/cache",
    )  # fmt: skip
    assert "gone.npz is missing" in message
    assert "training listen" in message


@pytest.mark.parametrize(("recipe", "n_clips"), [("genre", 1), ("genre_pictures", 2)])
def test_pictures_are_prepared_for_the_recipe_that_reads_them(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, recipe: str, n_clips: int
) -> None:
    """A folder with one clip as audio and two as grids."""
    write_wav(tmp_path / "jazz.00000.wav", noise(0.5, rate_hz=22_050), 22_050)
    write_csv(tmp_path / "genre.csv", ("file", "genre"), [("jazz.00000.wav", "jazz")])
    np.savez(
        tmp_path / "gtzan_mel.npz",
        mel=np.stack([random_levels(seed) for seed in range(2)]),
        name=np.array(["jazz.00000", "rock.00000"]),
        genre=np.array(["jazz", "rock"]),
    )

    with caplog.at_level(logging.INFO):
        done = main(["prepare", recipe, "--data", str(tmp_path), "--cache", f"{tmp_path}/cache"])

    assert done == 0
    assert f"{n_clips} clips ready, 0 skipped" in caplog.text


def test_the_help_of_compare_names_all_systems(capsys: pytest.CaptureFixture[str]) -> None:
    text = help_of(capsys, "compare")
    systems = text[text.index("The systems") : text.index("All of them")]
    assert all(name in systems for name in (*MODEL_NAMES, *FEATURE_NAMES))


def test_a_comparison_of_no_system_says_which_there_are(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = assert_fails(
        capsys, "compare", "genre", "--data", str(tmp_path), "--model", "lstm",
        "--features", "stft",
    )  # fmt: skip
    assert "lstm on log_mel, lstm on mfcc" in message


def test_compare_writes_its_table_without_paths_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    use_small_systems(monkeypatch)
    monkeypatch.setattr(compare_job, "serving_times_ms", lambda *_: (2.0, 1.0))
    data = write_moods(tmp_path / "moods")

    command = ["compare", "emotion", "--data", str(data), "--model", "cnn", "--seed", "3"]
    assert main(command) == 0

    text = Path("runs/compare_emotion/compare.md").read_text("utf-8")
    public = "compare emotion --data emotion.csv --model cnn --folds 1 --seed 3`"
    assert public in text
    assert str(tmp_path) not in text
    assert "| cnn | log_mel |" in text


def test_an_interruption_says_that_the_command_goes_on(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fit_task, "fit", interrupted)
    data = write_csv(tmp_path / "list.csv", ("file", "chord"), [("a.wav", "Am")])

    assert main(["fit", "chord", "--data", str(data)]) == 130
    assert "goes on from here" in capsys.readouterr().err


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


@pytest.mark.usefixtures("_tiny")
def test_the_whole_way_from_recordings_to_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but the commands, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    write_guitar_chords_v3(
        Path("recordings"), chords=("Am", "C", "G"), takes=1, test_players=("electric_Isabel",)
    )
    (tmp_path / "recordings" / "Training" / "C" / "C_Jo_9.wav").write_bytes(b"no sound at all")

    assert main(["prepare", "chord", "--data", "recordings"]) == 0
    write_wav(tmp_path / "talk" / "a.wav", noise(1.0, rate_hz=11_025), 11_025)
    fit_chords = ["fit", "chord", "--data", "recordings", "--seed", "5"]
    songs = write_song(tmp_path / "songs")
    assert main([*fit_chords, "--outside", str(tmp_path / "talk"), "--songs", str(songs)]) == 0
    assert main(["export", "chord"]) == 0
    assert main(["report", "chord"]) == 0
    evaluate = ["evaluate", "models/chord", "--data", "recordings", "--split", "test"]
    assert main([*evaluate, "--json", "out/figures.json", "--page", "out/page.html"]) == 0

    progressions = ["progressions", "chord", "--data", "recordings", "--count", "1"]
    assert main([*progressions, "--json", "out/progressions.json"]) == 0

    invariance = ["invariance", "chord", "--data", "recordings", "--count", "2"]
    assert main([*invariance, "--json", "out/invariance.json"]) == 0

    outsiders = ["outsiders", "models/chord", "--data", "talk", "--count", "3"]
    assert main([*outsiders, "--json", "out/outsiders.json"]) == 0

    strangers = json.loads(Path("out/outsiders.json").read_text("utf-8"))
    assert [(row["kind"], row["n"]) for row in strangers] == [("noise and hum", 3), ("talk", 1)]
    over_time = json.loads(Path("out/progressions.json").read_text("utf-8"))
    assert [part["name"] for part in over_time["parts"]] == ["all guitars", "guitar-chords-v3"]
    assert set(over_time["parts"][0]["figures"]) > {"root", "majmin", "sevenths", "seg"}
    assert str(tmp_path) not in json.dumps(over_time)
    changed = json.loads(Path("out/invariance.json").read_text("utf-8"))
    # Two of each of three players.
    assert changed["clips_by_data_set"] == {"guitar-chords-v3": 6}
    assert changed["changes"][0]["same_answer"]["value"] == 1.0
    assert str(tmp_path) not in json.dumps(changed)
    assert Path("runs/chord/report/report.md").exists()
    figures = json.loads(Path("out/figures.json").read_text("utf-8"))
    assert figures["n"] == 3
    assert [clip["truth"] for clip in figures["clips"]] == ["Am", "C", "G"]
    card = Path("models/chord/card.json").read_text("utf-8")
    assert str(tmp_path) not in card
    record = json.loads(card)["training"]
    assert record["command"] == (
        "python -m training fit chord --data recordings --outside talk --songs songs --seed 5"
    )
    assert record["data_sets"] == {"guitar-chords-v3": 9}
    assert record["clips_skipped"] == 1

    settings = Settings(models_dir=tmp_path / "models", tasks=("chord",))
    wav = tmp_path / "recordings" / "Test" / "Am" / "Am_electric_Isabel_1.wav"
    with serve(settings) as client:
        assert client.get("/health/ready").status_code == 200
        answer = client.post(
            "/classify/chord", content=wav.read_bytes(), headers={"content-type": "audio/wav"}
        )

    assert answer.status_code == 200
    probabilities = answer.json()["probabilities"]
    assert set(probabilities) == set(CHORDS)
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
    evaluated = figures["clips"][0]["probabilities"]
    for label, probability in probabilities.items():
        assert probability == pytest.approx(evaluated[label], abs=2e-3)


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


@pytest.mark.parametrize(
    ("rate", "reason"), [("0", "no number above 0"), ("7", "no learning rate")]
)
def test_a_learning_rate_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], rate: str, reason: str
) -> None:
    with pytest.raises(SystemExit):
        main(["listen", "study", "--peak-rate", rate])
    assert f"{rate} is {reason}" in capsys.readouterr().err


def test_a_student_to_go_on_from_must_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "study", "--from", "nowhere.keras"]) == 2
    assert "nowhere.keras does not exist" in capsys.readouterr().err
