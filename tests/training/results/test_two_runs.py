import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.training.runs import make_fold, make_record, write_run
from tests.training.tiny import TINY_CHORD, TINY_GENRE
from training.cli import main
from training.errors import TrainingError
from training.results.two_runs import Finished, compare_runs

GOOD, BAD = (
    make_fold(TINY_GENRE, data_sets=("one", "two"), clips_each=60, right=right, seed=4)
    for right in (0.95, 0.3)
)


def test_a_better_run_is_told_with_an_interval_above_nothing(tmp_path: Path) -> None:
    first, second = (
        Finished(TINY_GENRE, write_run(tmp_path / name, folds=[fold]))
        for name, fold in (("first", BAD), ("second", GOOD))
    )
    found = compare_runs(first, second, tmp_path / "page.html")

    assert found.n == 120
    assert found.balanced_accuracy.difference.low > 0.3
    assert found.calibration_error is not None
    page = (tmp_path / "page.html").read_text("utf-8")
    rows = re.findall(r"<td>(all that both held out|one|two)</td><td>(\d+)</td>", page)
    # Of right answers, and of how sure they are.
    assert rows[:6] == [("all that both held out", "120"), ("one", "60"), ("two", "60")] * 2
    assert page.count(">Figures, with 95% intervals: ") == 4  # each with a link to it
    assert "http" not in page


def test_only_clips_that_both_held_out_count(tmp_path: Path) -> None:
    part = replace(
        GOOD, clip_names=[f"x{n}" if i < 100 else n for i, n in enumerate(GOOD.clip_names)]
    )
    runs = [
        Finished(TINY_GENRE, write_run(tmp_path / name, folds=[fold]))
        for name, fold in (("first", GOOD), ("second", part))
    ]
    assert compare_runs(runs[0], runs[1], tmp_path / "page.html").n == 20


def test_runs_that_cannot_be_compared_say_why(tmp_path: Path) -> None:
    genre = Finished(TINY_GENRE, write_run(tmp_path / "genre", folds=[GOOD]))
    chord = Finished(TINY_CHORD, write_run(tmp_path / "chord", TINY_CHORD, [make_fold(TINY_CHORD)]))
    other = make_fold(TINY_GENRE, "other")
    apart = Finished(TINY_GENRE, write_run(tmp_path / "apart", folds=[other]))
    with pytest.raises(TrainingError, match="different labels"):
        compare_runs(genre, chord, tmp_path / "page.html")
    with pytest.raises(TrainingError, match="no clip in common"):
        compare_runs(genre, apart, tmp_path / "page.html")


def test_the_command_takes_folders_of_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, fold in (("first", BAD), ("second", GOOD)):
        run = write_run(tmp_path / name, folds=[fold])
        run.save_network(run.network(), make_record(TINY_GENRE), run.real_windows())
    both = [str(tmp_path / name) for name in ("first", "second")]

    assert main(["report", *both]) == 0
    assert (tmp_path / "second" / "report" / "against_first.html").exists()
    assert "+0." in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main(["report", *both, "third"])
