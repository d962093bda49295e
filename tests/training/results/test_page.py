import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.inference.softmax import softmax
from tests.training.made import write_wav
from tests.training.runs import make_fold, make_record, with_cuts, write_run
from tests.training.tiny import TINY_GENRE
from training.data.cache import FeatureCache
from training.fitting.run_folder import INPUTS_FILE
from training.fitting.trials import HeadChoice, Trial
from training.results.figures import Unseen, calibrate
from training.results.mistakes import MOST_MISTAKES
from training.results.report import report
from training.synthesis.pieces import RATE_HZ, STYLES, Artist, render_piece

FOLD = make_fold(TINY_GENRE, clips_each=300, right=0.5)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page about a run of two data sets that chose between heads and knows what it heard."""
    folder = tmp_path_factory.mktemp("page")
    fold = make_fold(TINY_GENRE, data_sets=("one", "two"), clips_each=40)
    run = write_run(folder / "run", folds=[fold])
    record = make_record(TINY_GENRE).model_copy(update={"remarks": ["Beware of <few> clips."]})
    run.save_network(run.network(), record, run.real_windows())
    lines = ("clip,label,data_set,group,split,content", "a.wav,jazz,made,jo,extra,0")
    (run.path / INPUTS_FILE).write_text("\n".join(lines), "utf-8")
    trials = [
        Trial(penalty=1.0, log_loss=0.625, accuracy=0.75),
        Trial(penalty=None, log_loss=0.5, accuracy=0.875),
    ]
    run.keep_head_choice("final", HeadChoice(penalty=None, trials=trials, clips=8))
    run.keep_head_choice("groups-1", HeadChoice(penalty=1.0, trials=trials[:1], clips=8))
    report(TINY_GENRE, run, folder / "out")
    return (folder / "out" / "report.html").read_text("utf-8")


def test_the_page_holds_all_in_one_file_and_asks_no_other_host(page: str) -> None:
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("data:image/png;base64,") == 4
    for link in re.findall(r'href="#([^"]+)"', page):
        assert f'id="{link}"' in page


def test_the_page_tells_what_was_heard_and_what_to_beware_of(page: str) -> None:
    assert "Beware of &lt;few&gt; clips." in page
    assert "<td>jazz</td><td>1 (1)</td><td>1 (1)</td>" in page
    assert "<td>jo</td><td>made</td><td>1</td><td>jazz</td>" in page
    for heading in ("Figures", "Recall by label", "Data", "Groups on both sides", "mistakes"):
        assert heading in page


def test_the_choice_of_the_head_is_shown(page: str) -> None:
    linear = "<td>linear layer of penalty 1</td><td>0.625 (0.750)</td><td>0.625 (0.750) chosen</td>"
    assert linear in page
    assert "<td>the recipe&#39;s network</td><td>0.500 (0.875) chosen</td><td></td>" in page


def test_the_page_tells_recall_by_data_set_and_what_an_answer_costs(page: str) -> None:
    heads = "".join(f'<th scope="col">{name}</th>' for name in ("label", "all", "one", "two"))
    assert heads in page
    assert re.search(r"<td>[\d,]+</td><td>\d+</td><td>\d+</td>", page)


def test_the_page_fits_a_phone(page: str) -> None:
    """Wide tables scroll by themselves, and a keyboard reaches them."""
    assert page.count("<table>") == page.count('<div class="wide" tabindex="0"') > 3
    assert 'content="width=device-width, initial-scale=1"' in page


@pytest.mark.usefixtures("unpainted")
def test_a_group_that_two_folds_held_out_is_a_leak(tmp_path: Path) -> None:
    one = make_fold(TINY_GENRE, "groups-1")
    other = make_fold(TINY_GENRE, "groups-2")
    leaky = replace(other, groups=one.groups)
    for folds, leaks in (([one, other], 0), ([one, leaky], len(set(one.groups)))):
        run = write_run(tmp_path / str(leaks), folds=folds)
        report(TINY_GENRE, run, run.path / "out")
        page = (run.path / "out" / "report.html").read_text("utf-8")
        assert len(re.findall(r"<td>groups-1-group-\d+</td><td>2</td>", page)) == leaks


def test_accuracy_is_told_and_drawn_by_the_length_that_was_heard(tmp_path: Path) -> None:
    fold = with_cuts(FOLD, {1.0: 0.5, 3.0: 1.0}, duration_s=20.0)
    fold.cut_logits[0, :100] = np.nan
    run = write_run(tmp_path / "run", folds=[fold])
    report(TINY_GENRE, run, tmp_path / "out")

    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    right = FOLD.logits.argmax(axis=1) == FOLD.truth
    assert f"<td>1 s</td><td>200</td><td>{right[100:].mean():.3f} (" in page
    assert f"<td>3 s</td><td>300</td><td>{right.mean():.3f} (" in page
    assert f"<td>whole clips</td><td>300</td><td>{right.mean():.3f} (" in page
    assert page.count("<figure>") == 4
    assert (tmp_path / "out" / "lengths.png").stat().st_size > 1_000


@pytest.mark.usefixtures("unpainted")
def test_the_mistakes_of_the_folds_are_shown_the_surest_first(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", folds=[FOLD])
    report(TINY_GENRE, run, tmp_path / "out")

    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    shown = re.findall(r'<p class="small">(groups-1-\d+\.wav)</p>', page)
    wrong = np.flatnonzero(FOLD.logits.argmax(axis=1) != FOLD.truth)
    assert len(shown) == MOST_MISTAKES
    assert set(shown) <= {FOLD.clip_names[i] for i in wrong}
    odds = FOLD.logits - np.log(np.exp(FOLD.logits).sum(axis=1, keepdims=True))
    assert shown[0] == FOLD.clip_names[max(wrong, key=lambda i: odds[i].max())]


@pytest.mark.usefixtures("unpainted")
def test_a_mistake_is_as_sure_as_the_service_would_tell_it(tmp_path: Path) -> None:
    fold = with_cuts(make_fold(TINY_GENRE, clips_each=120, right=0.5), {1.0: 0.1}, 1.2)
    run = write_run(tmp_path / "run", folds=[fold])
    calibration = calibrate(run)
    told = Unseen.of([fold]).predictions(calibration).probabilities
    surest = told.max(axis=1)[fold.logits.argmax(axis=1) != fold.truth].max()
    assert surest < softmax(fold.logits / calibration.temperature).max() - 0.05

    report(TINY_GENRE, run, tmp_path / "out")

    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    shown = re.findall(r"<p>\w+ (0\.\d\d), ", page)
    assert float(shown[0]) == pytest.approx(surest, abs=0.006)


@pytest.mark.usefixtures("unpainted")
def test_recordings_at_hand_are_seen_heard_and_searched_for_copies(tmp_path: Path) -> None:
    artist, rng = Artist.random(np.random.default_rng(1)), np.random.default_rng(2)
    sounds = [render_piece(STYLES["rock"], artist, rng, duration_s=6) for _ in range(2)]
    fold = replace(make_fold(TINY_GENRE, clips_each=3), clip_names=["0.wav", "1.wav", "2.wav"])
    wrong = np.eye(len(TINY_GENRE.labels), dtype=np.float32)[(fold.truth + 1) % 10]
    fold = replace(fold, logits=3 * wrong, groups=["a", "b", "c"])
    lines = ["clip,label,data_set,group,split,content"]
    labels = [TINY_GENRE.labels[i] for i in fold.truth]
    # The last is the first once more, by another artist as its list says, softer and later.
    for name, group, label, sound in zip(
        fold.clip_names, fold.groups, labels, [*sounds, 0.5 * sounds[0][5_000:]], strict=True
    ):
        write_wav(tmp_path / "audio" / name, sound.astype(np.float32), RATE_HZ)
        lines.append(f"{tmp_path / 'audio' / name},{label},made,{group},extra,0")
    run = write_run(tmp_path / "run", folds=[fold])
    (run.path / INPUTS_FILE).write_text("\n".join(lines), "utf-8")
    (tmp_path / "audio" / "1.wav").unlink()

    report(TINY_GENRE, run, tmp_path / "out", FeatureCache(tmp_path / "cache"))

    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert page.count("data:audio/mpeg;base64,") == 2
    assert page.count('class="seen"') == 2
    assert "The same recording in two groups, of 2 clips at hand" in page
    assert re.search(r"<td[^>]*>\S+/0.wav</td><td[^>]*>\S+/2.wav</td>", page)
