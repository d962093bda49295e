from pathlib import Path

import pytest

from training.cli import main


@pytest.mark.parametrize(
    ("rate", "reason"), [("0", "no number above 0"), ("7", "no learning rate")]
)
def test_a_learning_rate_that_cannot_be_is_refused(
    capsys: pytest.CaptureFixture[str], rate: str, reason: str
) -> None:
    with pytest.raises(SystemExit):
        main(["listen", "study", "--peak-rate", rate])
    assert f"{rate} is {reason}" in capsys.readouterr().err


def test_a_share_above_one_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["listen", "prepare", "--codecs", "40"])
    assert "40 is not between 0 and 1" in capsys.readouterr().err


def test_a_student_to_go_on_from_must_be_there(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["listen", "study", "--from", "nowhere.keras"]) == 2
    assert "nowhere.keras does not exist" in capsys.readouterr().err


def test_only_a_finished_student_is_kept(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["listen", "keep", "--run", str(tmp_path)]) == 2
    assert "student.keras is missing" in capsys.readouterr().err
