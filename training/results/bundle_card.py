"""The card of a new bundle: what it is, how it was trained, and how good it is."""

from collections.abc import Sequence
from pathlib import Path

from service import __version__
from service.inference.bundle_files import file_sha256
from service.inference.card import Calibration, Card, Evaluation, TrainingRecord
from service.inference.context import Context
from training.fitting.run_folder import FINAL, RunFolder
from training.recipes import Recipe
from training.results.figures import FILE_PROTOCOL

SPLIT_BY_GROUP = (
    "by the data's groups (artist, album, player or guitar), never on both sides; clips without "
    "one are groups of their own"
)
LICENCE_NOTE = (
    "The recordings that it learned from belong to their owners and are not part of this bundle; "
    "what is not trained on your own data learned from research data of public collections. Use "
    "the figures and the model for research, and check the rights before any other use."
)


def make_card(
    recipe: Recipe,
    run: RunFolder,
    context: Context | None,
    parameters: int,
    draft: Path,
    calibration: Calibration,
    figures: Sequence[Evaluation],
) -> Card:
    """Return the card of the bundle whose other files are in a folder.

    Parameters
    ----------
    recipe, run
        What was trained, and where.
    context
        What listens to the whole clip, if anything does.
    parameters
        How many the network has.
    draft
        The folder, in which nothing but the card is missing.
    calibration, figures
        What the run's unseen clips tell.
    """
    record, choice = run.record(), run.head_choice(FINAL)
    lab_labels = recipe.serving.lab_labels
    files = sorted(path.name for path in draft.iterdir())
    return Card(
        task=recipe.task,
        version=recipe.version,
        summary=recipe.summary,
        labels=list(recipe.labels),
        features=recipe.inputs.features,
        windows=recipe.inputs.windows,
        calibration=calibration,
        timeline=recipe.serving.timeline,
        lab_labels=None if lab_labels is None else list(lab_labels),
        context=None if context is None else context.spec,
        kinds=recipe.inputs.kinds,
        ratings=run.ratings(),
        training=TrainingRecord(
            command=record.command,
            data_sets=record.clips_by_data_set,
            clips_skipped=len(record.skipped),
            split=SPLIT_BY_GROUP if record.grouped else FILE_PROTOCOL,
            seed=record.seed,
            epochs=record.epochs,
            head="" if choice is None else choice.summary(),
            parameters=parameters,
            code_version=__version__,
            trained_on=run.finished_on().isoformat(),
            licence_note=LICENCE_NOTE,
        ),
        evaluation=list(figures),
        not_for=list(recipe.not_for),
        sha256={name: file_sha256(draft / name) for name in files},
    )
