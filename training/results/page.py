"""Write what a run measured as one page that needs nothing but a browser."""

import base64
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from service.inference.bundle import softmax
from service.inference.card import Calibration, Evaluation
from training.fitting.run_folder import FoldResult, RunFolder
from training.recipes import Recipe

MOST_MISTAKES = 50
SHOWN_PROBABILITIES = 3

Table = tuple[str, Sequence[str], list[list[str]]]
"""Title, heads of the columns, rows."""


def write_page(
    recipe: Recipe,
    run: RunFolder,
    calibration: Calibration,
    figures: Sequence[Evaluation],
    pictures: Sequence[tuple[str, Path]],
    file: Path,
) -> None:
    """Write the page.

    Parameters
    ----------
    recipe, run, calibration, figures
        What was trained, where, and how good it is.
    pictures
        Titles and PNG files, which become part of the page.
    file
        Where the page goes.
    """
    folds = run.folds()
    environment = Environment(
        loader=PackageLoader("training.results", "."), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("page.html.j2").render(
        task=recipe.task,
        record=run.record(),
        calibration=f"Temperature {calibration.temperature:g}; answers below "
        f"{calibration.uncertain_below:g} count as uncertain.",
        tables=[
            _figures(figures),
            _recalls(figures[0]),
            _by_length(folds),
            _data(run.inputs()),
            _leaks(folds),
            mistakes(recipe, folds, calibration.temperature),
        ],
        pictures=[
            (title, base64.b64encode(picture.read_bytes()).decode("ascii"))
            for title, picture in pictures
        ],
    )
    file.write_text(page, "utf-8")


def mistakes(recipe: Recipe, folds: Sequence[FoldResult], temperature: float) -> Table:
    """Return the clips that were told wrong with the most confidence."""
    found = []
    for fold in folds:
        probabilities = softmax(fold.logits / temperature)
        for i in np.flatnonzero(probabilities.argmax(axis=1) != fold.truth):
            likely = np.argsort(-probabilities[i])[:SHOWN_PROBABILITIES]
            row = [
                fold.clip_names[i],
                f"{fold.data_sets[i]}, {fold.groups[i]}",
                recipe.labels[fold.truth[i]],
                ", ".join(f"{recipe.labels[k]} {probabilities[i, k]:.2f}" for k in likely),
            ]
            found.append((float(probabilities[i].max()), row))
    found.sort(key=lambda one: -one[0])
    head = ("clip", "data set, group", "truth", "answers")
    title = f"The {MOST_MISTAKES} most confident mistakes"
    return title, head, [row for _, row in found[:MOST_MISTAKES]]


def _figures(figures: Sequence[Evaluation]) -> Table:
    head = ("clips", "n", "accuracy", "balanced accuracy", "macro F1", "calibration error", "split")
    rows = [
        [
            f.data_set,
            str(f.n),
            *(
                f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})"
                for e in (f.accuracy, f.balanced_accuracy, f.macro_f1, f.ece)
            ),
            f.protocol,
        ]
        for f in figures
    ]
    return "Figures, with 95% intervals", head, rows


def _recalls(evaluation: Evaluation) -> Table:
    rows = [
        [label, f"{e.value:.3f} ({e.low:.3f} to {e.high:.3f})"]
        for label, e in evaluation.per_class_recall.items()
    ]
    return f"Recall by label, {evaluation.data_set}", ("label", "recall"), rows


def _by_length(folds: Sequence[FoldResult]) -> Table:
    """Pool the clips that were heard cut to each length as well."""
    right: dict[float, list[bool]] = defaultdict(list)
    for fold in folds:
        for cut_s, logits in zip(fold.cuts_s.tolist(), fold.cut_logits, strict=True):
            longer = ~np.isnan(logits).any(axis=1)
            hits = logits[longer].argmax(axis=1) == fold.truth[longer]
            right[cut_s] += hits.tolist()
    rows = [
        [f"{cut_s:g} s", str(len(hits)), f"{np.mean(hits):.3f}"]
        for cut_s, hits in sorted(right.items())
        if hits
    ]
    return "Clips cut short", ("heard", "clips that are longer", "accuracy"), rows


def _data(inputs: Sequence[dict[str, str]]) -> Table:
    clips = Counter((row["label"], row["data_set"]) for row in inputs)
    groups = {(row["label"], row["data_set"], row["group"]) for row in inputs}
    of = Counter((label, data_set) for label, data_set, _ in groups)
    rows = [[*kind, str(n), str(of[kind])] for kind, n in sorted(clips.items())]
    return "Data", ("label", "data set", "clips", "groups"), rows


def _leaks(folds: Sequence[FoldResult]) -> Table:
    """List groups that more than one fold held out: each was learned from in the other."""
    held_out = Counter(group for fold in folds for group in set(fold.groups))
    rows = [[group, str(n)] for group, n in sorted(held_out.items()) if n > 1]
    return "Groups on both sides of the split", ("group", "folds that held it out"), rows
