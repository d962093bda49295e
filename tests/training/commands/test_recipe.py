import tomllib
from pathlib import Path

import pytest

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
