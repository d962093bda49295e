import tomllib
from pathlib import Path

import pytest

from tests.audio import tone
from tests.training.made import write_wav
from tests.training.tiny import LINEAR_CHORD
from training.cli import main


@pytest.mark.usefixtures("_tiny")
def test_a_recipe_is_printed_in_the_form_that_fit_takes(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["recipe", "chord", "--run", str(tmp_path)]) == 0
    table = tomllib.loads(capsys.readouterr().out)
    assert table["fit"]["epochs"] == LINEAR_CHORD.fit.epochs
    assert table["task"] == "chord"


def test_the_recipe_of_a_task_that_was_never_trained_is_printed_for_its_data(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for label in ("calm", "angry"):
        write_wav(tmp_path / "clips" / label / "a.wav", tone(440, 1.0), 44_100)

    assert main(["recipe", "mood"]) == 2
    assert "python -m training recipe mood --data DATA" in capsys.readouterr().err
    assert main(["recipe", "mood", "--data", "clips"]) == 0

    table = tomllib.loads(capsys.readouterr().out)
    assert (table["task"], table["labels"]) == ("mood", ["angry", "calm"])
