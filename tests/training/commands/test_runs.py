from pathlib import Path

import pytest

from tests.training.failing import assert_fails
from tests.training.runs import make_fold
from tests.training.tiny import TINY_GENRE
from training.fitting.run_folder import RunFolder


@pytest.mark.parametrize("command", ["export", "report"])
def test_a_run_that_is_not_finished_says_so(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    run = RunFolder(tmp_path / "run")
    run.save_fold(make_fold(TINY_GENRE), TINY_GENRE.build(0))
    message = assert_fails(capsys, command, "genre", "--run", str(run.path))
    assert "this run is not finished" in message


def test_a_recipe_for_comparison_cannot_be_exported(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    message = assert_fails(capsys, "export", "genre_statistics", "--run", str(tmp_path))
    assert "for comparison" in message
