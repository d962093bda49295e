"""The tutorial of training/README.md, run from its first line to its last."""

import re
import shlex
from pathlib import Path

import pytest

import training
from service.settings import Settings
from tests.service.serving import serve
from training.cli import main
from training.fitting.run_folder import RunFolder

PAGE = Path(training.__file__).with_name("README.md")
COMMAND = ".venv/bin/python -m training "
STARTED = ".venv/bin/python -m service &"


def tutorial() -> tuple[str, list[str]]:
    """Return the code that makes the clips, and the commands after it."""
    (block,) = re.findall(r"^```bash\n(.*?)^```", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert len(block.splitlines()) <= 20
    first, code, commands = re.split(r"<<END\n|^END\n", block, flags=re.MULTILINE)
    assert first == ".venv/bin/python - "
    return code, commands.splitlines()


def test_the_tutorial_leads_from_clips_to_an_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Two networks judge as four would, and what is not chosen in the end need not learn much.
    monkeypatch.setattr("training.data.splits.MOST_FOLDS", 2)
    monkeypatch.setattr("training.fitting.rehearsal.FEWEST_BATCHES", 5)
    code, commands = tutorial()
    exec(compile(code, "tutorial", "exec"), {})  # noqa: S102  # our own page
    *trainings, start, ask = commands
    for command in trainings:
        assert command.startswith(COMMAND)
        assert main(shlex.split(command.removeprefix(COMMAND))) == 0, command
    assert start == STARTED
    curl, form, file, address = shlex.split(ask)
    assert (curl, form, address) == ("curl", "--form", "localhost:8000/classify/instrument")

    with serve(Settings(models_dir=tmp_path / "models")) as client:
        audio = Path(file.removeprefix("file=@")).read_bytes()
        answer = client.post("/classify/instrument", files={"file": audio}).json()

    assert answer["label"] == "violin"
    assert set(answer["probabilities"]) == {"flute", "violin"}
    record = RunFolder(Path("runs/instrument")).record()
    assert record.network == "linear_net"
    assert record.grouped
    assert any("Fewer than 8 groups" in remark for remark in record.remarks)
    assert "instrument 1.0.0: the first of its kind" in Path("models/CHANGELOG.md").read_text()
    assert Path("runs/instrument/report/report.html").exists()
