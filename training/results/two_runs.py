"""Compare two runs on the clips that both held out, on one page."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from service.inference.card import Calibration
from training.errors import TrainingError
from training.evaluation.metrics import with_interval
from training.evaluation.paired import Change, Comparison
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe
from training.results.figures import calibrate, evaluations
from training.results.held_out import answers_of, compare_held_out, hashed
from training.results.page import Table, render_page
from training.results.tables import figures_table

PAIRED_HEAD = ("clips", "n", "groups", "first", "second", "difference")


@dataclass(frozen=True)
class Finished:
    """A run and the recipe by which it was trained."""

    recipe: Recipe
    run: RunFolder


def compare_runs(first: Finished, second: Finished, file: Path) -> Comparison:
    """Write a page about both runs; return the paired comparison over all common clips.

    Raises
    ------
    TrainingError
        They were trained for different labels, or held out no clip in common.
    """
    if set(first.recipe.labels) != set(second.recipe.labels):
        raise TrainingError(
            f"{first.run.path} and {second.run.path} tell different labels, so that their "
            "answers cannot be compared."
        )
    calibrations = [calibrate(one.run) for one in (first, second)]
    answers = [
        answers_of(one.run.folds(), one.recipe.labels, calibration)
        for one, calibration in zip((first, second), calibrations, strict=True)
    ]
    of_data_set = _data_sets(second.run)
    common = sorted(answers[0].keys() & answers[1].keys())
    if not common:
        raise TrainingError(
            f"{first.run.path} and {second.run.path} held out no clip in common; train both on "
            "the same data."
        )
    whole = compare_held_out(common, *answers)
    compared = [("all that both held out", whole)]
    for data_set in sorted(set(of_data_set.values())):
        part = [key for key in common if of_data_set[key] == data_set]
        if part:
            compared.append((data_set, compare_held_out(part, *answers)))
    render_page(
        second.recipe.task,
        f"{whole.summary()}. Before is {first.run.path}, now is {second.run.path}.",
        file,
        tables=[
            *_paired(compared),
            _told(first, calibrations[0]),
            _told(second, calibrations[1]),
        ],
    )
    return whole


def _paired(compared: Sequence[tuple[str, Comparison]]) -> list[Table]:
    title = "on the same clips, paired: second less first, 95% interval"
    right = [_row(name, found, found.balanced_accuracy) for name, found in compared]
    sure = [
        _row(name, found, found.calibration_error)
        for name, found in compared
        if found.calibration_error is not None
    ]
    return [
        Table(f"Balanced accuracy {title}", PAIRED_HEAD, right),
        Table(f"Calibration error, as served, {title}", PAIRED_HEAD, sure),
    ]


def _row(name: str, found: Comparison, change: Change) -> list[str]:
    return [
        name,
        str(found.n),
        str(found.groups),
        f"{change.old.value:.3f}",
        f"{change.new.value:.3f}",
        with_interval(change.difference, "+.3f"),
    ]


def _data_sets(run: RunFolder) -> dict[str, str]:
    """Return the data set of each clip, by what stands for it in :class:`Answers`."""
    return {
        hashed(key): data_set
        for fold in run.folds()
        for key, data_set in zip(fold.keys, fold.data_sets, strict=True)
    }


def _told(one: Finished, calibration: Calibration) -> Table:
    table = figures_table(evaluations(one.recipe, one.run, calibration))
    return replace(table, title=f"{table.title}: {one.run.path}, {one.run.record().command}")
