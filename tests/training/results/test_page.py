import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.training.runs import make_fold, make_record, with_cuts, write_run
from tests.training.tiny import TINY_GENRE
from training.fitting.run_folder import INPUTS_FILE
from training.results.page import MOST_MISTAKES, mistakes
from training.results.report import report

FOLD = make_fold(TINY_GENRE, clips_each=300, right=0.5)


def test_the_page_holds_all_in_one_file_and_asks_no_other_host(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    record = make_record(TINY_GENRE).model_copy(update={"remarks": ["Beware of <few> clips."]})
    run.save_network(run.network(), record, run.real_windows())
    lines = ("clip,label,data_set,group,split,content", "a.wav,jazz,made,jo,extra,0")
    (run.path / INPUTS_FILE).write_text("\n".join(lines), "utf-8")

    report(TINY_GENRE, run, tmp_path / "out")

    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert not re.findall(r"(?:src|href)=\"(?!data:)", page)
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("data:image/png;base64,") == 3
    assert "Beware of &lt;few&gt; clips." in page
    assert "<td>jazz</td><td>made</td><td>1</td><td>1</td>" in page
    for heading in ("Figures", "Recall by label", "Data", "Groups on both sides", "mistakes"):
        assert heading in page


def test_a_group_that_two_folds_held_out_is_a_leak(tmp_path: Path) -> None:
    one = make_fold(TINY_GENRE, "groups-1")
    other = make_fold(TINY_GENRE, "groups-2")
    leaky = replace(other, groups=one.groups)
    for folds, leaks in (([one, other], 0), ([one, leaky], len(set(one.groups)))):
        run = write_run(tmp_path / str(leaks), folds=folds)
        report(TINY_GENRE, run, run.path / "out")
        page = (run.path / "out" / "report.html").read_text("utf-8")
        assert len(re.findall(r"<td>groups-1-group-\d+</td><td>2</td>", page)) == leaks


def test_accuracy_is_told_by_the_length_that_was_heard(tmp_path: Path) -> None:
    fold = with_cuts(FOLD, {1.0: 0.5, 3.0: 1.0}, duration_s=20.0)
    fold.cut_logits[0, :100] = np.nan
    run = write_run(tmp_path / "run", folds=[fold])
    report(TINY_GENRE, run, tmp_path / "out")

    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    right = FOLD.logits.argmax(axis=1) == FOLD.truth
    assert f"<td>1 s</td><td>200</td><td>{right[100:].mean():.3f}</td>" in page
    assert f"<td>3 s</td><td>300</td><td>{right.mean():.3f}</td>" in page


def test_the_most_confident_mistakes_come_first() -> None:
    _, _, rows = mistakes(TINY_GENRE, [FOLD], temperature=1.0)
    confidences = [float(row[-1].split(",")[0].split()[-1]) for row in rows]

    assert len(rows) == MOST_MISTAKES
    assert confidences == sorted(confidences, reverse=True)
    wrong = np.flatnonzero(FOLD.logits.argmax(axis=1) != FOLD.truth)
    assert {row[0] for row in rows} <= {FOLD.clip_names[i] for i in wrong}
    assert all(row[2] != row[-1].split()[0] for row in rows)
