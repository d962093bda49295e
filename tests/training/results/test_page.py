import re
from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.training.made import write_wav
from tests.training.runs import make_fold, make_record, with_cuts, write_run
from tests.training.tiny import TINY_GENRE
from training.data.cache import FeatureCache
from training.fitting.run_folder import INPUTS_FILE
from training.results.page import MOST_MISTAKES, mistakes
from training.results.report import report
from training.synthesis.pieces import RATE_HZ, STYLES, Artist, render_piece

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


def test_the_most_confident_mistakes_come_first(tmp_path: Path) -> None:
    found = mistakes(TINY_GENRE, write_run(tmp_path, folds=[FOLD]), temperature=1.0)
    rows = [mistake.cells for mistake in found]
    confidences = [float(row[-1].split(",")[0].split()[-1]) for row in rows]

    assert len(rows) == MOST_MISTAKES
    assert confidences == sorted(confidences, reverse=True)
    wrong = np.flatnonzero(FOLD.logits.argmax(axis=1) != FOLD.truth)
    assert {row[0] for row in rows} <= {FOLD.clip_names[i] for i in wrong}
    assert all(row[2] != row[-1].split()[0] for row in rows)


def test_recordings_at_hand_are_seen_heard_and_searched_for_copies(tmp_path: Path) -> None:
    artist, rng = Artist.random(np.random.default_rng(1)), np.random.default_rng(2)
    sounds = [render_piece(STYLES["rock"], artist, rng, duration_s=6) for _ in range(2)]
    fold = replace(make_fold(TINY_GENRE, clips_each=3), clip_names=["0.wav", "1.wav", "2.wav"])
    wrong = np.eye(len(TINY_GENRE.labels), dtype=np.float32)[(fold.truth + 1) % 10]
    fold = replace(fold, logits=3 * wrong, groups=["a", "b", "c"])
    lines = ["clip,label,data_set,group,split,content"]
    # The last is the first once more, by another artist as its list says, softer and later.
    for name, group, sound in zip(
        fold.clip_names, fold.groups, [*sounds, 0.5 * sounds[0][5_000:]], strict=True
    ):
        write_wav(tmp_path / "audio" / name, sound.astype(np.float32), RATE_HZ)
        lines.append(f"{tmp_path / 'audio' / name},jazz,made,{group},extra,0")
    run = write_run(tmp_path / "run", folds=[fold])
    (run.path / INPUTS_FILE).write_text("\n".join(lines), "utf-8")
    (tmp_path / "audio" / "1.wav").unlink()

    report(TINY_GENRE, run, tmp_path / "out", FeatureCache(tmp_path / "cache"))

    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("data:audio/mpeg;base64,") == 2
    assert page.count('class="seen"') == 2
    assert "The same recording in two groups, of 2 clips at hand" in page
    assert re.search(r"<td>\S+/0.wav</td><td>\S+/2.wav</td>", page)


def test_the_page_tells_recall_by_data_set_and_what_an_answer_costs(tmp_path: Path) -> None:
    fold = make_fold(TINY_GENRE, data_sets=("one", "two"), clips_each=40)
    report(TINY_GENRE, write_run(tmp_path / "run", folds=[fold]), tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    for of in ("all", "one", "two"):
        assert f"Recall by label, {of}</h2>" in page
    assert re.search(r"<td>[\d,]+</td><td>\d+</td><td>\d+</td>", page)
