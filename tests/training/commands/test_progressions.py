import json
from pathlib import Path

import pytest

from tests.server import ROOT
from tests.training.failing import assert_fails
from tests.training.made import GUITAR_RATE_HZ, strum, write_wav
from training.cli import main


def test_progressions_without_anything_to_hear_say_what_to_give(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "--songs FOLDER" in assert_fails(capsys, "progressions")


def test_songs_are_scored_without_a_run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_wav(tmp_path / "songs" / "a.wav", strum("Am", seed=1), GUITAR_RATE_HZ)
    (tmp_path / "songs" / "a.lab").write_text("0.0 1.2 A:min\n", "utf-8")
    bundle = str(ROOT / "models" / "chord")
    songs = ["progressions", "--songs", str(tmp_path / "songs"), "--bundle", bundle]
    assert main([*songs, "--json", str(tmp_path / "figures.json")]) == 0
    assert "1 recordings | 1.000" in capsys.readouterr().err
    figures = json.loads((tmp_path / "figures.json").read_text("utf-8"))
    assert figures["rows"][0]["file"] == "a.wav"
