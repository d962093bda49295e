"""The pictures of the page about a run or an evaluation."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from service.inference.card import Evaluation
from training.evaluation.metrics import N_BINS, Predictions
from training.results.lengths import AtLength

mpl.use("Agg")

MAX_LABELS_IN_MATRIX = 20
DOTS_PER_INCH = 110


def save(figure: Figure, path: Path) -> None:
    """Write a picture as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=DOTS_PER_INCH, bbox_inches="tight")


def draw_losses(history: Mapping[str, Sequence[float]], *, steps: str) -> Figure:
    """Draw how the losses fell, by ``steps``."""
    figure = Figure(figsize=(6, 3.5))
    axes = figure.subplots()
    axes.plot(history["loss"], label="what it learns from, altered")
    if "val_loss" in history:  # training that runs to the end keeps no clips for it
        axes.plot(history["val_loss"], label="stop clips, other groups")
    axes.set(xlabel=steps, ylabel="loss")
    axes.legend()
    return figure


def draw_confusion(evaluation: Evaluation) -> Figure:
    """Draw which label is taken for which."""
    matrix = np.array(evaluation.confusion_matrix)
    labels = [_as_it_is(label) for label in evaluation.confusion_labels]
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    size = max(3.5, 0.28 * len(labels))
    figure = Figure(figsize=(size, size))
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=90)
    axes.set_yticks(range(len(labels)), labels)
    title = f"{_as_it_is(evaluation.data_set)}, n = {evaluation.n}"
    axes.set(xlabel="answer", ylabel="truth", title=title)
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
        label="these clips",
    )
    axes.set(xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))
    axes.legend()
    return figure


def draw_lengths(lengths: Sequence[AtLength]) -> Figure:
    """Draw the accuracy by how much is heard, with intervals."""
    figure = Figure(figsize=(6, 3.5))
    axes = figure.subplots()
    values = np.array([one.accuracy.value for one in lengths])
    spans = [
        values - [one.accuracy.low for one in lengths],
        np.array([one.accuracy.high for one in lengths]) - values,
    ]
    axes.errorbar([one.median_s for one in lengths], values, spans, marker="o", capsize=3)
    axes.set_xscale("log")
    axes.set_xticks([one.median_s for one in lengths], [f"{one.median_s:.3g}" for one in lengths])
    axes.minorticks_off()
    axes.set(xlabel="heard, seconds", ylabel="accuracy, 95% interval", ylim=(0, 1))
    return figure


def draw_data(clips: Sequence[tuple[str, str, str]]) -> Figure:
    """Draw how many clips of each label there are, by data set."""
    labels = sorted({label for label, _, _ in clips}, reverse=True)
    count = Counter((label, data_set) for label, data_set, _ in clips)
    figure = Figure(figsize=(6, max(1.5, 0.28 * len(labels))))
    axes = figure.subplots()
    names = [_as_it_is(label) for label in labels]
    before = np.zeros(len(labels))
    for data_set in sorted({data_set for _, data_set, _ in clips}):
        widths = np.array([count[label, data_set] for label in labels])
        axes.barh(names, widths, left=before, label=_as_it_is(data_set))
        before += widths
    axes.set(xlabel="clips")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _as_it_is(name: str) -> str:
    """Return a name so that it is no formula, however many dollars it has."""
    return name.replace("$", r"\$")
