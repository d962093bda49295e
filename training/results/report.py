"""Show what a run measured, for people who would rather look than read."""

from collections.abc import Sequence
from pathlib import Path

from service.inference.card import Calibration, Evaluation, Rating
from service.inference.softmax import softmax
from service.inference.windows import cut_windows
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.evaluation.metrics import with_interval
from training.fitting.run_folder import RunFolder
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


def report(recipe: Recipe, run: RunFolder, out: Path, cache: FeatureCache | None = None) -> None:
    """Write ``report.md`` and ``report.html``, with their pictures beside them as PNG.

    With a cache of features, the page also shows and plays the recordings that are at hand, and
    looks for copies among them.
    """
    out.mkdir(parents=True, exist_ok=True)
    calibration = calibrate(run)
    figures = evaluations(recipe, run, calibration)
    pictures = _pictures(run, calibration, figures[0], out)
    (out / "report.md").write_text(_text(recipe, run, calibration, figures, pictures), "utf-8")
    record, spec = run.record(), recipe.inputs.features
    lens = None if cache is None else Lens(spec, make_bank(spec), cache)
    render_page(
        recipe.task,
        f"Trained by {record.command}: {_length_of(run)}, seed {record.seed}. Temperature "
        f"{calibration.temperature:g}; answers below {calibration.uncertain_below:g} count as "
        "uncertain.",
        out / "report.html",
        remarks=record.remarks,
        tables=_tables(recipe, run, figures, lens),
        mistakes=mistakes(answers(recipe, run, calibration.temperature), lens),
        pictures=pictures,
    )


def answers(recipe: Recipe, run: RunFolder, temperature: float) -> list[ClipAnswer]:
    """Return what the folds' networks said of the clips that they never saw."""
    files = files_of(run)
    found = []
    for fold in run.folds():
        probabilities = softmax(fold.logits / temperature)
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


def _pictures(
    run: RunFolder, calibration: Calibration, first: Evaluation, out: Path
) -> list[Picture]:
    record, folds, clips = run.record(), run.folds(), _known(run)
    steps = "step" if record.network == LINEAR_NET else "epoch"
    drawn = [
        ("Losses", "losses", draw_losses(record.history, steps=steps)),
        (f"Confusions on {first.data_set}", "confusion", draw_confusion(first)),
        (
            "Confidence against accuracy",
            "calibration",
            draw_calibration(Unseen.of(folds).predictions(calibration)),
        ),
    ]
    lengths = cut_lengths(folds)
    if lengths:
        drawn.append(("Accuracy by the length that is heard", "lengths", draw_lengths(lengths)))
    if clips:
        drawn.append(("Clips by label and data set", "data", draw_data(clips)))
    for _, name, figure in drawn:
        save(figure, out / f"{name}.png")
    return [Picture(title, out / f"{name}.png") for title, name, _ in drawn]


def _text(
    recipe: Recipe,
    run: RunFolder,
    calibration: Calibration,
    figures: Sequence[Evaluation],
    pictures: Sequence[Picture],
) -> str:
    record = run.record()
    shown = "\n".join(f"![{picture.title}]({picture.file.name})" for picture in pictures)
    skipped = "\n".join(f"- {name}: {reason}" for name, reason in record.skipped.items())
    return f"""# {recipe.task}: what the run measured

{figures_text(figures)}

Trained by `{record.command}` in {record.fit_s / 60:.0f} minutes, {_length_of(run)}.
Temperature {calibration.temperature:g}; answers below {calibration.uncertain_below:g} count as
uncertain. Fitted on {calibration.fitted_on}.

{shown}

## Ratings

{ratings_text(run.ratings()) or "None."}

## Clips skipped

{skipped or "None."}
"""


def _length_of(run: RunFolder) -> str:
    record = run.record()
    return f"{record.epochs} {'steps' if record.network == LINEAR_NET else 'epochs'}"


def _tables(
    recipe: Recipe,
    run: RunFolder,
    figures: Sequence[Evaluation],
    lens: Lens | None,
) -> list[Table]:
    folds, clips, choices = run.folds(), _known(run), run.head_choices()
    whole = [one for one in figures if ", cut to " not in one.data_set]
    found = [figures_table(figures), recall_table(whole), length_table(cut_lengths(folds))]
    found += [data_table(clips), groups_table(clips)] if clips else []
    found += [split_table(figures), leaks_table(folds)]
    if lens is not None:
        found.append(copies_table(*copies_across(clips_at_hand(run), lens)))
    found += [heads_table(choices)] if choices else []
    found += _cost(recipe, run)
    skipped = [[name, reason] for name, reason in run.record().skipped.items()]
    return [*found, Table("Clips skipped", ("clip", "why"), skipped)]


def _known(run: RunFolder) -> list[Known]:
    return [(row["label"], row["data_set"], row["group"]) for row in run.inputs()]


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
