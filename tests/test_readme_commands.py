"""What the README files tell people to run must run."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from service.audio.decode import decode
from service.inference.card import Card
from tests.audio import encode_as, tone
from tests.server import ROOT
from tests.told import README, blocks
from training.cli import parser
from training.data.readers import AudioFile, read_data_set

HOST = "localhost:8000"
# Commands that need what a test must not: the network, an engine for containers, a key press.
LEFT_ALONE = {
    "apt",
    "docker",
    "git",
    "kill",
    "kubectl",
    "minisign",
    "mkdir",
    "openssl",
    "promtool",
    "python3",
    "sudo",
    "uv",
    "uvx",
}


def lines(language: str) -> list[str]:
    """Return the commands of all blocks of a language, those of several lines as one."""
    joined = "\n".join(blocks(language)).replace("\\\n", " ")
    return [line for line in joined.splitlines() if line.strip() and not line.startswith("#")]


def marked(name: str) -> str:
    command = re.search(rf"<!-- {name} command -->\n```sh\n(.*)\n```", README)
    assert command is not None
    return command[1]


def run(
    command: list[str], folder: Path, text: str | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own commands
        command, cwd=folder, input=text, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.fixture(scope="module")
def address(shared_service: str) -> str:
    return shared_service.removeprefix("http://")


@pytest.fixture
def folder_with_song(tmp_path: Path) -> Path:
    (tmp_path / "song.mp3").write_bytes(encode_as("mp3", tone(440, 2.0)))
    return tmp_path


def test_training_commands_are_understood() -> None:
    commands = [line for line in lines("sh") if " -m training " in line]
    assert len(commands) > 12
    for command in commands:
        parser().parse_args(shlex.split(command, comments=True)[3:])


def test_modules_that_commands_start_are_there() -> None:
    modules = {name for line in lines("sh") for name in re.findall(r" -m ([\w.]+)", line)}
    assert modules > {"service", "training", "tests.proof"}
    for module in modules - {"venv", "pip", "pytest", "mypy", "jupyterlab"}:
        folder = ROOT.joinpath(*module.split("."))
        assert (folder / "__main__.py").exists() or folder.with_suffix(".py").exists(), module


def test_test_files_that_commands_name_are_there() -> None:
    files = {name for line in lines("sh") for name in re.findall(r"tests/[\w/]+\.py", line)}
    assert files
    assert all((ROOT / file).exists() for file in files), files


def test_what_commands_install_are_extras_of_the_package() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    extras = {extra for line in lines("sh") for extra in re.findall(r"'\.\[(\w+)\]'", line)}
    assert extras == {"training", "notebooks", "tracing", "signatures", "test", "dev"}
    assert all(f"\n{extra} = [" in project for extra in extras)


def test_no_command_escapes_the_tests() -> None:
    """Each is run or read by a test of this module, or is none of ours."""
    ours = (
        " -m ",
        "/pip install",
        "curl ",
        "KEY",
        ".ci/run",
        ".ci/browser",
        "ruff ",
        "pre-commit",
        "mypy",
        "make_small.py",
    )
    for line in lines("sh"):
        assert any(part in line for part in ours) or line.split()[0] in LEFT_ALONE, line


def test_python_code_runs(address: str, folder_with_song: Path) -> None:
    (block,) = blocks("python", ["service/README.md"])
    done = run([sys.executable, "-c", block.replace(HOST, address)], folder_with_song)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["genre", "chord", "emotion"]


def test_what_newcomers_make_can_be_trained_on(tmp_path: Path) -> None:
    (block,) = blocks("python", [".github/CONTRIBUTING.md"])
    done = run([sys.executable, "-c", block], tmp_path)
    assert done.returncode == 0, done.stderr

    clips = read_data_set(tmp_path / "runs" / "small", "genre")

    assert len(clips) == 24
    assert {clip.label for clip in clips} == {"classical", "metal"}
    assert len({clip.group for clip in clips}) == 12
    assert isinstance(clips[0].source, AudioFile)
    assert decode(clips[0].source.path.read_bytes()).duration_s == pytest.approx(6)


def test_a_bundle_is_asked_in_ten_lines_without_the_service() -> None:
    (block,) = blocks("python", ["models/README.md"])
    assert "service" not in block
    assert len([line for line in block.splitlines() if line]) <= 11
    shown = (
        block + 'print(abs(logits - np.load("models/chord/golden.npz")["logits"].mean(0)).max())'
    )
    done = run([sys.executable, "-W", "ignore::ResourceWarning", "-c", shown], ROOT)
    assert done.returncode == 0, done.stderr
    label, difference = done.stdout.split()
    assert label in Card.model_validate_json((ROOT / "models/chord/card.json").read_bytes()).labels
    assert float(difference) < 1e-3


def test_python_is_shown_in_these_three_places_only() -> None:
    assert len(blocks("python")) == 3


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl_commands_are_answered(address: str, folder_with_song: Path) -> None:
    text = "\n".join(blocks("sh") + blocks("console"))
    commands = re.findall(r"^(?:\$ )?(curl .*)$", text, re.MULTILINE)
    assert len(commands) >= 3
    for command in commands:
        words = [*shlex.split(command.replace(HOST, address)), "--fail", "--silent"]
        done = run(words, folder_with_song)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert done.stdout.startswith("{")


@pytest.mark.skipif(
    shutil.which("openssl") is None or shutil.which("sha256sum") is None,
    reason="openssl or sha256sum is not installed",
)
def test_the_commands_that_make_a_key_make_one_that_the_service_reads(tmp_path: Path) -> None:
    (block,) = [block for block in blocks("sh") if "SERVICE_API_KEYS_FILE" in block]
    *making, starting = block.splitlines()
    assert starting.endswith("-m service")
    check = "from service.settings import Settings; print(Settings().api_keys_file)"
    script = "\n".join([*making, f"SERVICE_API_KEYS_FILE=keys.txt {sys.executable} -c '{check}'"])

    done = run(["env", f"PYTHONPATH={ROOT}", "sh", "-e"], tmp_path, script)

    assert done.stdout.strip() == "keys.txt", done.stderr


def test_ci_runs_the_test_command_of_the_readme() -> None:
    assert " -m pytest " in marked("test")
    assert "'/<!-- test command -->/" in (ROOT / ".ci" / "run").read_text("utf-8")


def test_the_commands_for_windows_are_the_same_in_its_linux() -> None:
    assert blocks("powershell", ["README.md"]) == [
        f'wsl -- bash -c "{marked(name)}"\n' for name in ("start", "test")
    ]
