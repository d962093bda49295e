from pathlib import Path

import pytest

from tests.training.comparison.small import use_small_systems
from tests.training.failing import assert_fails
from tests.training.made import write_moods
from training.cli import main
from training.comparison import compare_job


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
