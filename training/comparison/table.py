"""Write a comparison down: as Markdown, as JSON and as a plot of accuracy against cost."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from pydantic import BaseModel, ConfigDict

from service.inference.card import Evaluation
from training.comparison.cost import RUNS, Cost
from training.comparison.exams import ACROSS, BY_ARTIST, GTZAN_LISTS, PROTOCOLS
from training.evaluation.metrics import with_interval

mpl.use("Agg")

TITLES = {
    BY_ARTIST: "Clips of artists and albums that no network heard",
    GTZAN_LISTS: "The GTZAN pictures, official lists",
}
COST_NOTE = (
    "Costs: the numbers in the network, processor seconds of one training, and processor "
    "milliseconds of one thread for 30 s of decoded stereo, resampling and features plus the "
    f"network in onnxruntime (the fastest of {RUNS} runs)."
)
TRAINING_CODE_NOTE = (
    "† In training alone, by librosa or by networks that may not be shipped (their time counts as "
    "features, their weights are not in the parameters); the service has no such features."
)


class Row(BaseModel):
    """One system.

    Attributes
    ----------
    model, features
        Their names.
    outside_service
        Whether the service cannot compute the features.
    cost
        Of one of the networks trained: mean training, best times.
    exams
        Figures by exam: the first of all clips judged, then by data set.
    """

    model_config = ConfigDict(extra="forbid")

    model: str
    features: str
    outside_service: bool
    cost: Cost
    exams: dict[str, list[Evaluation]]

    @property
    def mark(self) -> str:
        """What points to the note below the table."""
        return " †" if self.outside_service else ""


class Comparison(BaseModel):
    """All systems of a run, ``compare.json``."""

    model_config = ConfigDict(extra="forbid")

    task: str
    command: str
    seed: int
    rows: list[Row]


def write(comparison: Comparison, folder: Path) -> None:
    """Write ``compare.md``, ``compare.json`` and ``compare.png``."""
    (folder / "compare.json").write_text(comparison.model_dump_json(indent=1) + "\n", "utf-8")
    (folder / "compare.md").write_text(markdown(comparison), "utf-8")
    draw(comparison).savefig(folder / "compare.png", dpi=90, bbox_inches="tight")


def markdown(comparison: Comparison) -> str:
    """Return the tables of a comparison."""
    parts = [f"# {comparison.task}: systems compared", f"`{comparison.command}`"]
    for exam, title in TITLES.items():
        rows = _rows_of(comparison, exam)
        if rows:
            parts += [f"## {title}", PROTOCOLS[exam], systems_table(rows, exam)]
    if any(row.outside_service for row in comparison.rows):
        parts.append(TRAINING_CODE_NOTE)
    parts += [COST_NOTE, "![Accuracy against cost](compare.png)"]
    rows = _rows_of(comparison, BY_ARTIST)
    if any(len(row.exams[BY_ARTIST]) > 2 for row in rows):
        parts += ["## The same by data set, accuracy", data_sets_table(rows, BY_ARTIST)]
    rows = _rows_of(comparison, ACROSS)
    if rows:
        parts += ["## Across data sets, accuracy", PROTOCOLS[ACROSS], data_sets_table(rows, ACROSS)]
    return "\n\n".join(parts) + "\n"


def systems_table(rows: Sequence[Row], exam: str) -> str:
    """Return a Markdown table with one line per system: figures and costs."""
    lines = [
        "| model | features | n | accuracy | balanced accuracy | parameters | training, s "
        "| features + network, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        figures, cost = row.exams[exam][0], row.cost
        lines.append(
            f"| {row.model} | {row.features}{row.mark} | {figures.n} "
            f"| {with_interval(figures.accuracy)} | {with_interval(figures.balanced_accuracy)} "
            f"| {cost.parameters:,} | {cost.fit_s:.0f} "
            f"| {cost.features_ms:.1f} + {cost.network_ms:.1f} |"
        )
    return "\n".join(lines)


def data_sets_table(rows: Sequence[Row], exam: str) -> str:
    """Return a Markdown table of accuracies: systems down, data sets across."""
    names = [figures.data_set for figures in rows[0].exams[exam]]
    counts = [figures.n for figures in rows[0].exams[exam]]
    heads = [f"{name} (n = {n})" for name, n in zip(names, counts, strict=True)]
    lines = [f"| model | features | {' | '.join(heads)} |", "|---" * (2 + len(names)) + "|"]
    for row in rows:
        cells = {f.data_set: with_interval(f.accuracy) for f in row.exams[exam]}
        answers = " | ".join(cells.get(name, "") for name in names)
        lines.append(f"| {row.model} | {row.features}{row.mark} | {answers} |")
    return "\n".join(lines)


def draw(comparison: Comparison) -> Figure:
    """Plot accuracy with its interval against the cost of an answer, of a network, of training."""
    exam = BY_ARTIST if _rows_of(comparison, BY_ARTIST) else GTZAN_LISTS
    rows = _rows_of(comparison, exam)
    figure = Figure(figsize=(11, 5))
    axes = figure.subplots(1, 2, sharey=True)
    _draw_against(axes[0], rows, exam, [row.cost.answer_ms for row in rows])
    _draw_against(axes[1], rows, exam, [row.cost.fit_s for row in rows])
    axes[0].set(xlabel="processor ms for 30 s: features and network", ylabel="accuracy")
    axes[1].set(xlabel="processor s for one training")
    axes[1].legend(bbox_to_anchor=(1.02, 1), loc="upper left", frameon=False)
    figure.suptitle(f"{comparison.task}: accuracy with its 95% interval, by cost")
    return figure


def _draw_against(axes: Axes, rows: Sequence[Row], exam: str, costs: Sequence[float]) -> None:
    for row, cost in zip(rows, costs, strict=True):
        accuracy = row.exams[exam][0].accuracy
        axes.errorbar(
            cost,
            accuracy.value,
            yerr=[[accuracy.value - accuracy.low], [accuracy.high - accuracy.value]],
            marker="o",
            capsize=3,
            label=f"{row.model}, {row.features}",
        )
    axes.set_xscale("log")
    axes.grid(visible=True, alpha=0.3)


def _rows_of(comparison: Comparison, exam: str) -> list[Row]:
    return [row for row in comparison.rows if exam in row.exams]
