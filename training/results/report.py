"""Show what a run measured, for people who would rather look than read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.inference.card import Calibration, Evaluation, Rating
from service.inference.windows import cut_windows
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.evaluation.metrics import with_interval
from training.fitting.fold_result import FoldResult
from training.fitting.run_folder import RunFolder
from training.fitting.run_record import RunRecord
from training.recipes import Recipe
from training.results.drawings import (
    draw_calibration,
    draw_confusion,
    draw_data,
    draw_lengths,
    draw_losses,
    save,
)
from training.results.figures import Unseen, calibrate, evaluations
from training.results.lengths import cut_lengths
from training.results.mistakes import ClipAnswer, mistakes
from training.results.page import Picture, Table, render_page
from training.results.recordings import Lens, clips_at_hand, copies_across, files_of
from training.results.tables import (
    Known,
    copies_table,
    cost_table,
    data_table,
    figures_table,
    groups_table,
    heads_table,
    leaks_table,
    length_table,
    recall_table,
    split_table,
)

LINEAR_NET = "linear_net"


@dataclass(frozen=True)
class _Kept:
    """What a run has kept, read once.

    Attributes
    ----------
    record
        How it was started and what it saw.
    folds
        What its networks said of clips that they never saw.
    clips
        What it learned from.
    """

    record: RunRecord
    folds: Sequence[FoldResult]
    clips: Sequence[Known]

    @classmethod
    def of(cls, run: RunFolder) -> "_Kept":
        clips = [(row["label"], row["data_set"], row["group"]) for row in run.inputs()]
        return cls(run.record(), run.folds(), clips)

    @property
    def length(self) -> str:
        return f"{self.record.epochs} {self.steps}s"

    @property
    def steps(self) -> str:
        return "step" if self.record.network == LINEAR_NET else "epoch"


def report(recipe: Recipe, run: RunFolder, out: Path, cache: FeatureCache | None = None) -> None:
    """Write ``report.md`` and ``report.html``, with their pictures beside them as PNG.

    With a cache of features, the page also shows and plays the recordings that are at hand, and
    looks for copies among them.
    """
    out.mkdir(parents=True, exist_ok=True)
    calibration = calibrate(run)
    figures = evaluations(recipe, run, calibration)
    kept, spec = _Kept.of(run), recipe.inputs.features
    pictures = _pictures(kept, calibration, figures[0], out)
    text = _text(recipe, kept, run.ratings(), calibration, figures, pictures)
    (out / "report.md").write_text(text, "utf-8")
    lens = None if cache is None else Lens(spec, make_bank(spec), cache)
    render_page(
        recipe.task,
        f"Trained by {kept.record.command}: {kept.length}, seed {kept.record.seed}. Temperature "
        f"{calibration.temperature:g}; answers below {calibration.uncertain_below:g} count as "
        "uncertain.",
        out / "report.html",
        remarks=kept.record.remarks,
        tables=_tables(recipe, run, kept, figures, lens),
        mistakes=mistakes(_answers(recipe, run, kept.folds, calibration), lens),
        pictures=pictures,
    )


def _answers(
    recipe: Recipe, run: RunFolder, folds: Sequence[FoldResult], calibration: Calibration
) -> list[ClipAnswer]:
    files = files_of(run)
    found = []
    for fold in folds:
        probabilities = Unseen.of([fold]).predictions(calibration).probabilities
        for i, key in enumerate(fold.keys):
            data_set, group, name = key
            found.append(
                ClipAnswer(
                    name=name,
                    data_set=data_set,
                    group=group,
                    truth=recipe.labels[fold.truth[i]],
                    probabilities=dict(zip(recipe.labels, probabilities[i].tolist(), strict=True)),
                    recording=files.get(key),
                )
            )
    return found


def figures_text(figures: Sequence[Evaluation]) -> str:
    """Return a Markdown table with one row per evaluation."""
    return _as_text(figures_table(figures))


def ratings_text(ratings: Sequence[Rating]) -> str:
    """Return a Markdown table with one row per check of a rating; empty without any."""
    rows = [
        [
            rating.name,
            check.learned_from,
            check.data_set,
            str(check.n),
            with_interval(check.correlation),
        ]
        for rating in ratings
        for check in rating.evaluation
    ]
    head = ("rating", "learned from", "judged on", "n", "correlation")
    return _as_text(Table("Ratings", head, rows)) if rows else ""


def _as_text(table: Table) -> str:
    rows = [f"| {' | '.join(cells)} |" for cells in (table.head, *table.rows)]
    return "\n".join([rows[0], f"|{'---|' * len(table.head)}", *rows[1:]])


def _pictures(kept: _Kept, calibration: Calibration, first: Evaluation, out: Path) -> list[Picture]:
    drawn = [
        ("Losses", "losses", draw_losses(kept.record.history, steps=kept.steps)),
        (f"Confusions on {first.data_set}", "confusion", draw_confusion(first)),
        (
            "Confidence against accuracy",
            "calibration",
            draw_calibration(Unseen.of(kept.folds).predictions(calibration)),
        ),
    ]
    lengths = cut_lengths(kept.folds)
    if lengths:
        drawn.append(("Accuracy by the length that is heard", "lengths", draw_lengths(lengths)))
    if kept.clips:
        drawn.append(("Clips by label and data set", "data", draw_data(kept.clips)))
    for _, name, figure in drawn:
        save(figure, out / f"{name}.png")
    return [Picture(title, out / f"{name}.png") for title, name, _ in drawn]


def _text(
    recipe: Recipe,
    kept: _Kept,
    ratings: Sequence[Rating],
    calibration: Calibration,
    figures: Sequence[Evaluation],
    pictures: Sequence[Picture],
) -> str:
    record = kept.record
    shown = "\n".join(f"![{picture.title}]({picture.file.name})" for picture in pictures)
    skipped = "\n".join(f"- {name}: {reason}" for name, reason in record.skipped.items())
    return f"""# {recipe.task}: what the run measured

{figures_text(figures)}

Trained by `{record.command}` in {record.fit_s / 60:.0f} minutes, {kept.length}.
Temperature {calibration.temperature:g}; answers below {calibration.uncertain_below:g} count as
uncertain. Fitted on {calibration.fitted_on}.

{shown}

## Ratings

{ratings_text(ratings) or "None."}

## Clips skipped

{skipped or "None."}
"""


def _tables(
    recipe: Recipe,
    run: RunFolder,
    kept: _Kept,
    figures: Sequence[Evaluation],
    lens: Lens | None,
) -> list[Table]:
    choices = run.head_choices()
    whole = [one for one in figures if ", cut to " not in one.data_set]
    found = [figures_table(figures), recall_table(whole), length_table(cut_lengths(kept.folds))]
    found += [data_table(kept.clips), groups_table(kept.clips)] if kept.clips else []
    found += [split_table(figures), leaks_table(kept.folds)]
    if lens is not None:
        found.append(copies_table(*copies_across(clips_at_hand(run), lens)))
    found += [heads_table(choices)] if choices else []
    found += _cost(recipe, run)
    skipped = [[name, reason] for name, reason in kept.record.skipped.items()]
    return [*found, Table("Clips skipped", ("clip", "why"), skipped)]


def _cost(recipe: Recipe, run: RunFolder) -> list[Table]:
    """Measure it where the features are computed from audio and the network hears nothing else."""
    spec, network = recipe.inputs.features, run.network()
    bank = make_bank(spec)
    if bank.shape[1] == 0 or len(network.inputs) > 1:
        return []
    return [
        cost_table(
            "Keras, where the service's ONNX Runtime is quicker",
            network.count_params(),
            spec,
            bank,
            lambda grid: network.predict_on_batch(cut_windows(grid, recipe.inputs.windows)),
        )
    ]
