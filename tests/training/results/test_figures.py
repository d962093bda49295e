from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.inference.softmax import softmax
from tests.training.runs import make_fold, with_cuts, write_run
from tests.training.tiny import TINY_CHORD, TINY_GENRE
from training.data.labels import CHORDS, QUALITIES
from training.errors import TrainingError
from training.evaluation.calibration import fit_temperature
from training.fitting.fold_result import FoldResult
from training.fitting.run_folder import HELD_BACK_FOLD, RunFolder
from training.results.figures import (
    MIN_CLIPS,
    MIN_CLIPS_OF_A_LENGTH,
    UNCALIBRATED,
    Unseen,
    calibrate,
    evaluations,
)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """Two folds over a large and a small data set, and an official list."""
    folds = [
        make_fold(TINY_GENRE, f"groups-{number}", data_sets=("big",), seed=number)
        for number in (1, 2)
    ]
    folds += [
        make_fold(TINY_GENRE, "groups-3", data_sets=("small",), clips_each=MIN_CLIPS - 1),
        make_fold(TINY_GENRE, HELD_BACK_FOLD, data_sets=("gtzan",), clips_each=50),
    ]
    return write_run(tmp_path, TINY_GENRE, folds)


def test_figures_come_for_the_list_for_all_folds_and_for_each_large_data_set(
    run: RunFolder,
) -> None:
    found = evaluations(TINY_GENRE, run, UNCALIBRATED)

    assert [(f.data_set, f.n) for f in found] == [
        ("gtzan validation list", 50),
        ("all", 48 + MIN_CLIPS - 1),
        ("big", 48),
    ]


def test_the_protocol_tells_who_judged_the_clips(run: RunFolder) -> None:
    listed, pooled, _ = evaluations(TINY_GENRE, run, UNCALIBRATED)
    assert "shipped network" in listed.protocol
    assert pooled.protocol == TINY_GENRE.validation.protocol


def test_figures_are_those_of_the_pooled_clips(run: RunFolder) -> None:
    _, pooled, big = evaluations(TINY_GENRE, run, UNCALIBRATED)
    folds = [fold for fold in run.folds() if fold.name != HELD_BACK_FOLD]
    right = np.concatenate([fold.logits.argmax(axis=1) == fold.truth for fold in folds])

    assert pooled.accuracy.value == round(float(right.mean()), 4)
    assert big.accuracy.value == round(float(right[:48].mean()), 4)
    assert np.sum(pooled.confusion_matrix) == pooled.n


def test_an_official_list_alone_gives_its_figures(tmp_path: Path) -> None:
    folds = [make_fold(TINY_GENRE, HELD_BACK_FOLD, data_sets=("gtzan",))]
    run = write_run(tmp_path, TINY_GENRE, folds)
    assert [f.data_set for f in evaluations(TINY_GENRE, run, UNCALIBRATED)] == [
        "gtzan validation list"
    ]


def test_subsets_of_labels_have_figures_of_their_own(tmp_path: Path) -> None:
    folds = [make_fold(TINY_CHORD, clips_each=2 * len(CHORDS))]
    run = write_run(tmp_path, TINY_CHORD, folds)

    found = {f.data_set: f for f in evaluations(TINY_CHORD, run, UNCALIBRATED)}

    triads = found["all, major and minor triads"]
    assert triads.n == 2 * 24
    assert set(triads.per_class_recall) == {
        label
        for label in CHORDS
        if label != "N" and label.removesuffix("m") in CHORDS[: -1 : len(QUALITIES)]
    }


def test_a_subset_that_no_clip_is_of_is_left_out(tmp_path: Path) -> None:
    fold = make_fold(TINY_CHORD, clips_each=30)
    silent = replace(fold, truth=np.full(30, CHORDS.index("N")))
    run = write_run(tmp_path, TINY_CHORD, [silent])

    assert [f.data_set for f in evaluations(TINY_CHORD, run, UNCALIBRATED)] == ["all", "made"]


def test_the_temperature_changes_confidences_and_not_answers(run: RunFolder) -> None:
    cold, hot = (
        evaluations(TINY_GENRE, run, UNCALIBRATED.model_copy(update={"temperature": t}))[1]
        for t in (0.5, 5.0)
    )
    assert cold.accuracy == hot.accuracy
    assert cold.ece != hot.ece


def test_calibration_uses_every_clip_that_was_judged_unseen(run: RunFolder) -> None:
    calibration = calibrate(run)

    folds = run.folds()
    logits = np.concatenate([fold.logits for fold in folds])
    truth = np.concatenate([fold.truth for fold in folds])
    assert calibration.temperature == pytest.approx(fit_temperature(logits, truth), abs=1e-4)
    confidences = softmax(logits / calibration.temperature).max(axis=1)
    assert np.mean(confidences < calibration.uncertain_below) == pytest.approx(0.1, abs=0.02)
    assert calibration.fitted_on.startswith(f"{len(truth)} validation clips")


def test_each_length_is_calibrated_on_its_own(tmp_path: Path) -> None:
    fold = make_fold(TINY_GENRE, clips_each=400)
    run = write_run(tmp_path, TINY_GENRE, [with_cuts(fold, {0.1: 4.0, 1.0: 2.0}, duration_s=30.0)])

    calibration = calibrate(run)

    assert [length.heard_s for length in calibration.by_length] == [0.1, 1.0, 30.0]
    # The same answers, only surer, so that what they are divided by is higher. Among temperatures
    # that are about as likely, where the confidences fall into the bins decides.
    whole = calibration.by_length[-1]
    temperatures = [length.temperature / whole.temperature for length in calibration.by_length]
    assert temperatures == pytest.approx([4, 2, 1], rel=0.25)
    for length in calibration.by_length:
        assert length.weight == pytest.approx(whole.weight, abs=0.1)
    assert sum(calibration.label_shares) == pytest.approx(1, abs=0.001)


def test_answers_that_tell_nothing_get_little_weight(tmp_path: Path) -> None:
    fold = with_cuts(make_fold(TINY_GENRE, clips_each=1_000), {0.1: 1.0, 1.0: 1.0}, 30.0)
    run = write_run(tmp_path, TINY_GENRE, [guessed(fold, (1.0, 0.0))])

    shortest, longer, _ = calibrate(run).by_length

    assert shortest.weight < 0.3
    # A quarter of the answers of this fold is drawn at random.
    assert longer.weight == pytest.approx(0.75, abs=0.1)


def test_a_length_of_few_clips_gets_none(tmp_path: Path) -> None:
    fold = with_cuts(make_fold(TINY_GENRE, clips_each=400), {0.1: 4.0, 1.0: 2.0}, 1.5)
    logits = fold.cut_logits.copy()
    logits[1, MIN_CLIPS_OF_A_LENGTH - 1 :] = np.nan
    run = write_run(tmp_path, TINY_GENRE, [replace(fold, cut_logits=logits)])

    calibration = calibrate(run)

    # All clips are longer than the only length that is left.
    assert [knot.heard_s for knot in calibration.by_length] == [0.1, 1.5]


def guessed(fold: FoldResult, shares: Sequence[float]) -> FoldResult:
    """Return a fold whose answers to a share of the clips of each cut are only guessed."""
    logits = fold.cut_logits.copy()
    rng = np.random.default_rng(0)
    for number, share in enumerate(shares):
        n = round(share * len(fold.truth))
        logits[number, :n] = rng.standard_normal(logits[number, :n].shape)
    return replace(fold, cut_logits=logits)


@pytest.mark.parametrize(
    ("shares", "low_s", "high_s"),
    [
        ((0.0, 0.0, 0.0), 0.0, 0.0),  # all is told by a tenth of a second
        ((0.97, 0.3, 0.0), 0.11, 0.29),
        ((0.97, 0.9, 0.0), 0.31, 0.99),
        ((0.97, 0.97, 0.97), 1.0, 1.0),  # hardly anything by a second
    ],
)
def test_answers_are_uncertain_up_to_where_a_third_is_told(
    tmp_path: Path, shares: tuple[float, ...], low_s: float, high_s: float
) -> None:
    fold = with_cuts(make_fold(TINY_GENRE, clips_each=400), dict.fromkeys((0.1, 0.3, 1.0), 1), 30)
    run = write_run(tmp_path, TINY_GENRE, [guessed(fold, shares)])
    assert low_s <= calibrate(run).uncertain_up_to_s <= high_s


def test_figures_come_for_each_length(tmp_path: Path) -> None:
    folds = [
        with_cuts(make_fold(TINY_GENRE, f"groups-{n}", clips_each=80, seed=n), {0.3: 3.0}, 10.0)
        for n in (1, 2)
    ]
    run = write_run(tmp_path, TINY_GENRE, folds)

    found = {f.data_set: f for f in evaluations(TINY_GENRE, run, calibrate(run))}

    cut = found["all, cut to 0.3 s"]
    assert cut.n == 160
    # The same answers, as sure as those to whole clips once they are calibrated.
    assert cut.accuracy == found["all"].accuracy
    assert cut.ece.value == pytest.approx(found["all"].ece.value, abs=0.02)


@pytest.mark.parametrize(
    "measure",
    [calibrate, lambda run: evaluations(TINY_GENRE, run, UNCALIBRATED)],
    ids=["calibrate", "evaluations"],
)
def test_without_folds_it_says_how_to_get_them(
    tmp_path: Path, measure: Callable[[RunFolder], object]
) -> None:
    with pytest.raises(TrainingError, match=r"no fold results.*without --no-folds"):
        measure(RunFolder(tmp_path))


def test_some_of_the_unseen_clips_keep_what_belongs_together() -> None:
    fold = make_fold(TINY_GENRE, data_sets=("a", "b"), clips_each=10)
    unseen = Unseen.of([fold])

    part = unseen.only(unseen.data_sets == "b")

    np.testing.assert_array_equal(part.truth, fold.truth[10:])
    np.testing.assert_array_equal(part.logits, fold.logits[10:])
    assert part.groups.tolist() == fold.groups[10:]
    assert set(part.data_sets.tolist()) == {"b"}
