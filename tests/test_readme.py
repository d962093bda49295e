"""What the README tells people must be so."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.inference.card import Card
from service.startup.environment import settings_rows
from tests.audio import encode_as, tone
from tests.server import ROOT, server
from training.cli import parser
from training.results.report import figures_table

README = (ROOT / "README.md").read_text("utf-8")
HOST = "localhost:8000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def address(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    log = tmp_path_factory.mktemp("readme") / "server.log"
    with server(models_dir, log) as (_, client):
        yield client.base_url.netloc.decode()


@pytest.fixture
def folder_with_song(tmp_path: Path) -> Path:
    (tmp_path / "song.mp3").write_bytes(encode_as("mp3", tone(440, 2.0)))
    return tmp_path


def test_settings_are_listed_as_they_are() -> None:
    for variable, default, meaning in settings_rows():
        assert f"| `{variable}` | {default} | {meaning} |" in README


def test_compose_passes_every_setting_on() -> None:
    compose = (ROOT / "docker-compose.yml").read_text("utf-8")
    fixed_by_the_image = {"SERVICE_HOST", "SERVICE_PORT", "SERVICE_MODELS_DIR"}
    for variable, _, _ in settings_rows():
        assert variable in fixed_by_the_image or f"      {variable}:" in compose


def test_the_example_is_an_answer_of_the_shipped_model() -> None:
    answer = json.loads(blocks("console")[0].split("\n", 1)[1])
    folder = ROOT / "models" / answer["task"]
    card = Card.model_validate_json((folder / "card.json").read_bytes())
    sha256 = card.sha256["model.onnx"]
    assert answer["model"] == {"name": card.task, "version": card.version, "sha256": sha256}
    assert sorted(answer["probabilities"]) == sorted(card.labels)


def test_training_commands_are_understood() -> None:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    commands = [line for line in lines if " -m training " in line]
    assert len(commands) > 8
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[3:])


def test_figures_are_those_of_the_cards() -> None:
    names = {
        "genre": "genre",
        "genre/pictures": "genre, pictures",
        "chord": "chord",
        "emotion": "emotion",
    }
    for folder, name in names.items():
        card = Card.model_validate_json((ROOT / "models" / folder / "card.json").read_bytes())
        pooled = [e for e in card.evaluation if e.data_set.startswith(("all", "gtzan "))]
        assert pooled
        for row in figures_table(pooled).splitlines()[2:]:
            assert f"| {name} {row}" in README


def test_python_code_runs(address: str, folder_with_song: Path) -> None:
    code = "\n".join(blocks("python")).replace(HOST, address)
    done = subprocess.run(  # noqa: S603  # our own README
        [sys.executable, "-c", code],
        cwd=folder_with_song,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["genre", "chord", "emotion"]


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_commands_are_answered(address: str, folder_with_song: Path) -> None:
    text = "\n".join(blocks("sh") + blocks("console"))
    commands = re.findall(r"^(?:\$ )?(curl .*)$", text, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        done = subprocess.run(  # noqa: S603  # our own README
            [*shlex.split(command.replace(HOST, address)), "--fail", "--silent"],
            cwd=folder_with_song,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.startswith("{")


def test_ci_runs_the_test_command_of_the_readme() -> None:
    command = re.search(r"<!-- test command -->\n```sh\n(.*)\n```", README)
    assert command is not None
    assert command[1].endswith("-m pytest")
    assert "'/<!-- test command -->/" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_relative_links_lead_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link
