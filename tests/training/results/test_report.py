from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from service.inference.card import Estimate, Evaluation, Rating, RatingCheck
from tests.training.runs import make_fold, make_record, write_run
from tests.training.tiny import TINY_CHORD, TINY_GENRE
from training.errors import TrainingError
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe
from training.results.drawings import MAX_LABELS_IN_MATRIX, draw_confusion, draw_data, save
from training.results.figures import calibrate, evaluations
from training.results.report import figures_text, report


@pytest.mark.usefixtures("unpainted")
def test_the_report_holds_the_figures_the_command_and_the_clips_skipped(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")

    report(TINY_GENRE, run, tmp_path / "new" / "out")

    text = (tmp_path / "new" / "out" / "report.md").read_text("utf-8")
    calibration = calibrate(run)
    assert figures_text(evaluations(TINY_GENRE, run, calibration)) in text
    assert "`python -m training fit genre --data made` in 2 minutes, 2 epochs" in text
    assert f"Temperature {calibration.temperature:g}" in text
    assert "- jazz.00054.wav: is no audio" in text


@pytest.mark.parametrize(
    ("recipe", "clips"), [(TINY_GENRE, 150), (TINY_CHORD, 40)], ids=["genre", "chord"]
)
def test_every_picture_of_the_report_is_drawn(tmp_path: Path, recipe: Recipe, clips: int) -> None:
    fold = make_fold(recipe, clips_each=clips)
    run = write_run(tmp_path / "run", recipe, [fold])

    report(recipe, run, tmp_path / "out")

    text = (tmp_path / "out" / "report.md").read_text("utf-8")
    many = len({*fold.truth, *fold.logits.argmax(axis=1)}) > MAX_LABELS_IN_MATRIX
    assert many == (recipe is TINY_CHORD)
    for name in ("losses.png", "confusion.png", "calibration.png"):
        assert f"({name})" in text
        with Image.open(tmp_path / "out" / name) as picture:
            pixels = np.asarray(picture.convert("L"))
        assert min(pixels.shape) > 200
        assert pixels.std() > 5


def test_labels_and_data_sets_with_dollars_are_no_formulas(tmp_path: Path) -> None:
    save(draw_data([("$^$", "$_$", "a"), ("A$AP", "b", "c")]), tmp_path / "data.png")
    run = write_run(tmp_path / "run")
    evaluation = evaluations(TINY_GENRE, run, calibrate(run))[0]
    named = evaluation.model_copy(
        update={"data_set": "$^$", "confusion_labels": ["$^$"] * len(evaluation.confusion_labels)}
    )
    figure = draw_confusion(named)
    save(figure, tmp_path / "confusion.png")
    assert figure.axes[0].get_title().startswith(r"\$^\$, n = ")


def test_a_run_that_kept_no_clips_to_stop_by_is_reported(tmp_path: Path) -> None:
    record = make_record(TINY_GENRE)
    record = record.model_copy(update={"history": {"loss": record.history["loss"]}})
    run = write_run(tmp_path / "run")
    run.save_network(run.network(), record, run.real_windows())

    report(TINY_GENRE, run, tmp_path / "out")

    assert (tmp_path / "out" / "losses.png").stat().st_size > 1_000


@pytest.mark.usefixtures("unpainted")
def test_ratings_are_reported_where_the_run_learned_any(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run")
    report(TINY_GENRE, run, tmp_path / "without")
    check = RatingCheck(
        learned_from="votes",
        data_set="films",
        n=20,
        correlation=Estimate(value=0.81, low=0.7, high=0.9),
    )
    energy = Rating(name="energy", meaning="0 calm, 1 energetic", evaluation=[check])
    run.save_ratings(TINY_GENRE.build(0), [energy])
    report(TINY_GENRE, run, tmp_path / "with")

    row = "| energy | votes | films | 20 | 0.810 (0.700 to 0.900) |"
    assert row in (tmp_path / "with" / "report.md").read_text("utf-8")
    assert "energy" not in (tmp_path / "without" / "report.md").read_text("utf-8")


def test_a_run_without_folds_cannot_be_reported(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", folds=[])
    with pytest.raises(TrainingError, match="no fold results"):
        report(TINY_GENRE, run, tmp_path / "out")


def test_an_unfinished_run_cannot_be_reported(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    run.save_fold(make_fold(TINY_GENRE), TINY_GENRE.build(0))
    with pytest.raises(TrainingError, match="not finished"):
        report(TINY_GENRE, run, tmp_path / "out")


def test_the_table_has_one_row_an_evaluation_with_intervals() -> None:
    figure = Estimate(value=0.5, low=0.25, high=0.75)
    evaluation = Evaluation(
        data_set="made",
        protocol="none",
        n=4,
        accuracy=figure,
        balanced_accuracy=figure,
        macro_f1=figure,
        ece=Estimate(value=0.1, low=0.05, high=0.2),
        per_class_recall={"a": figure},
        confusion_matrix=[[2, 2], [0, 0]],
        confusion_labels=["a", "b"],
    )

    rows = figures_text([evaluation, evaluation]).splitlines()

    assert len(rows) == 4
    half = "0.500 (0.250 to 0.750)"
    assert rows[2] == f"| made | 4 | {half} | {half} | {half} | 0.100 (0.050 to 0.200) |"
