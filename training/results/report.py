"""Draw what a run measured, for people who would rather look than read."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from service.inference.card import Evaluation, Rating
from training.data.cache import FeatureCache
from training.evaluation.metrics import N_BINS, Predictions, with_interval
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe
from training.results.figures import Unseen, calibrate, evaluations
from training.results.page import write_page

mpl.use("Agg")

MAX_LABELS_IN_MATRIX = 20


def report(recipe: Recipe, run: RunFolder, out: Path, cache: FeatureCache | None = None) -> None:
    """Write ``report.md`` and ``report.html`` with plots of losses, confusions and calibration.

    With a cache of features, the page also shows and plays the recordings that are at hand, and
    looks for copies among them.
    """
    out.mkdir(parents=True, exist_ok=True)
    calibration = calibrate(run)
    figures = evaluations(recipe, run, calibration)
    predictions = Unseen.of(run.folds()).predictions(calibration)
    record = run.record()

    save(_draw_losses(record.history), out / "losses.png")
    save(draw_confusion(figures[0]), out / "confusion.png")
    save(draw_calibration(predictions), out / "calibration.png")
    skipped = "\n".join(f"- {name}: {reason}" for name, reason in record.skipped.items())
    text = f"""# {recipe.task}: what the run measured

{figures_table(figures)}

Trained by `{record.command}` in {record.fit_s / 60:.0f} minutes, {record.epochs} epochs.
Temperature {calibration.temperature:g}; answers below {calibration.uncertain_below:g} count as
uncertain. Fitted on {calibration.fitted_on}.

![Losses by epoch](losses.png)
![Confusions on {figures[0].data_set}](confusion.png)
![Confidence against accuracy](calibration.png)

## Ratings

{ratings_table(run.ratings()) or "None."}

## Clips skipped

{skipped or "None."}
"""
    (out / "report.md").write_text(text, "utf-8")
    pictures = (
        ("Losses by epoch", out / "losses.png"),
        (f"Confusions on {figures[0].data_set}", out / "confusion.png"),
        ("Confidence against accuracy", out / "calibration.png"),
    )
    write_page(recipe, run, calibration, figures, pictures, out / "report.html", cache)


def figures_table(figures: Sequence[Evaluation]) -> str:
    """Return a Markdown table with one row per evaluation."""
    lines = [
        "| clips | n | accuracy | balanced accuracy | macro F1 | calibration error |",
        "|---|---|---|---|---|---|",
    ]
    for f in figures:
        cells = [with_interval(e) for e in (f.accuracy, f.balanced_accuracy, f.macro_f1, f.ece)]
        lines.append(f"| {f.data_set} | {f.n} | {' | '.join(cells)} |")
    return "\n".join(lines)


def ratings_table(ratings: Sequence[Rating]) -> str:
    """Return a Markdown table with one row per check of a rating; empty without any."""
    rows = [
        f"| {rating.name} | {check.learned_from} | {check.data_set} | {check.n} "
        f"| {with_interval(check.correlation)} |"
        for rating in ratings
        for check in rating.evaluation
    ]
    head = ["| rating | learned from | judged on | n | correlation |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows]) if rows else ""


def save(figure: Figure, path: Path) -> None:
    """Write a picture as PNG."""
    figure.savefig(path, dpi=110, bbox_inches="tight")


def _draw_losses(history: dict[str, list[float]]) -> Figure:
    figure = Figure(figsize=(6, 3.5))
    axes = figure.subplots()
    axes.plot(history["loss"], label="training clips, augmented")
    if "val_loss" in history:  # training that runs to the end keeps no clips for it
        axes.plot(history["val_loss"], label="stop clips, other groups")
    axes.set(xlabel="epoch", ylabel="loss")
    axes.legend()
    return figure


def draw_confusion(evaluation: Evaluation) -> Figure:
    """Draw which label is taken for which."""
    matrix = np.array(evaluation.confusion_matrix)
    labels = evaluation.confusion_labels
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size = max(3.5, 0.28 * len(labels))
    figure = Figure(figsize=(size, size))
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="answer", ylabel="truth", title=f"{evaluation.data_set}, n = {evaluation.n}")
    if len(labels) <= MAX_LABELS_IN_MATRIX:
        for (row, column), count in np.ndenumerate(matrix):
            if count:
                colour = "white" if shares[row, column] > 0.5 else "black"
                axes.text(column, row, str(count), ha="center", va="center", color=colour)
    return figure


def draw_calibration(predictions: Predictions) -> Figure:
    """Draw how often answers of each confidence are right."""
    confidences = predictions.confidences
    right = predictions.answers == predictions.truth
    bins = np.minimum((confidences * N_BINS).astype(int), N_BINS - 1)
    filled = [b for b in range(N_BINS) if (bins == b).any()]
    figure = Figure(figsize=(4, 4))
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfectly calibrated")
    axes.plot(
        [confidences[bins == b].mean() for b in filled],
        [right[bins == b].mean() for b in filled],
        marker="o",
        label="unseen clips",
    )
    axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    return figure
