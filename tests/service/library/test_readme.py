"""What the library command's README tells people must be so."""

import re
import shlex
import subprocess
import sys
from contextlib import closing
from pathlib import Path

from service.library.cli import parser
from service.library.columns import columns
from service.library.question import Question
from service.library.run import Order, run
from service.library.state import State
from tests.bundles import write_bundle
from tests.server import ROOT
from tests.service.library.libraries import TASKS, InlineEngine, models_of, write_library

README = (ROOT / "service" / "library" / "README.md").read_text("utf-8")
HOST = "localhost:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def execute(code: str, folder: Path) -> str:
    done = subprocess.run(  # noqa: S603  # our own README
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_commands_are_understood() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [line for line in lines if "service.library" in line]
    assert len(commands) > 5
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[3:])


def test_similar_music_is_found_in_a_table_with_embeddings(tmp_path: Path) -> None:
    write_bundle(tmp_path / "models" / "genre", embedding_gain=2.0)
    write_library(tmp_path / "Music", 8)  # the genres one after the other
    question = Question(tasks=("genre",), embedding=True)
    order = Order((str(tmp_path / "Music"),), tmp_path / "music.parquet", question)
    with closing(State(tmp_path / "state")) as state:
        run(order, state, InlineEngine(tmp_path / "models", ["genre"]))
    code = blocks("python")[0].replace("Music/song.mp3", str(tmp_path / "Music" / "0001.wav"))

    similar = execute(code, tmp_path).split()

    assert {Path(name).stem for name in similar[:2]} == {"0001", "0005"}


def test_the_client_answers(shared_service: str, tmp_path: Path) -> None:
    write_library(tmp_path, 1)
    (tmp_path / "0000.wav").rename(tmp_path / "song.mp3")
    (tmp_path / "broken.mp3").write_bytes(b"ID3")
    host = shared_service.removeprefix("http://")
    told = execute(blocks("python")[1].replace(HOST, host), tmp_path)

    assert told.splitlines()[0].startswith("blues ")
    assert "broken" in told.splitlines()[1]


def test_the_columns_are_those_of_the_table(models_dir: Path) -> None:
    question = Question(tasks=TASKS, timeline=True, embedding=True, start_s=1.0)
    named = {column.name for column in columns(question, models_of(models_dir))}

    listed = re.findall(r"`([a-z_0-9]+)`", README.split("## The table")[1].split("\n## ")[0])

    general = {name for name in listed if not name.startswith(("task_", "p_"))}
    only_shipped_models = {"emotion_rating_energy", "genre_music"} | {
        f"chord_{name}" for name in ("shares", "key", "key_probability", "tuning_cents")
    }
    assert general <= named | only_shipped_models
    assert {"file", "problem", "content_sha256", "duration_s"} <= general
