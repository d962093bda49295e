"""Let a run's bundle take its place under ``models``, if it is not worse than what is there."""

import datetime
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from service.files import written_whole
from service.inference.bundle_files import CARD_FILE, SONGS_FILE
from service.inference.card import Card
from training.data.cache import FeatureCache
from training.data.clip_keys import clip_keys
from training.errors import TrainingError
from training.evaluation.evaluate import evaluate
from training.evaluation.paired import Comparison
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe
from training.results.export import export
from training.results.figures import calibrate
from training.results.held_out import (
    HELD_OUT_FILE,
    Answer,
    Answers,
    answers_of,
    compare_held_out,
    hashed,
    read_held_out,
    write_held_out,
)

logger = logging.getLogger(__name__)

CHANGELOG = "CHANGELOG.md"
_HEAD = "# What was promoted\n\n"
ITSELF = "both on clips that neither had learned from"
FLATTERED = "the old one may have learned from these clips, which flatters it"


@dataclass(frozen=True)
class PromotionJob:
    """What to promote, and how.

    Attributes
    ----------
    recipe, run
        What was trained, and where.
    models
        Folder of all bundles.
    cache
        Where features are kept.
    data
        Where the run's clips lie, if not where they lay when it was trained.
    even_if_worse
        Whether to promote what is worse, cannot be compared, or no longer hears songs.
    """

    recipe: Recipe
    run: RunFolder
    models: Path
    cache: FeatureCache
    data: Sequence[Path] = ()
    even_if_worse: bool = False


def promote(job: PromotionJob) -> Path:
    """Write the bundle with the next version; return its folder.

    Raises
    ------
    TrainingError
        The run is not finished, or its bundle is worse than the one that is there, or cannot
        be compared with it.
    """
    if job.recipe.serving.bundle is None:
        raise TrainingError(f"The recipe {job.recipe.name} is for comparison; none can serve it.")
    folder = job.models / job.recipe.serving.bundle
    if not job.even_if_worse:
        _refuse_to_lose_songs(folder)
    new = answers_of(job.run.folds(), job.recipe.labels, calibrate(job.run))
    old_card = _card(folder)
    if old_card is None:
        version, told = job.recipe.version, "the first of its kind"
    else:
        version, told = next_version(old_card.version, job.recipe.version), _judged(job, new)
        logger.info("%s %s, before %s: %s", job.recipe.task, version, old_card.version, told)
    export(
        replace(job.recipe, version=version),
        job.run,
        job.models,
        beside=lambda draft: write_held_out(new, draft / HELD_OUT_FILE),
    )
    _note(job.models, f"{job.recipe.serving.bundle} {version}: {told}")
    return folder


def _refuse_to_lose_songs(folder: Path) -> None:
    if (folder / SONGS_FILE).exists():
        raise TrainingError(
            f"It is not promoted: {folder / SONGS_FILE}, by which songs are heard, belongs to the "
            "network that is there and would be lost. export --out DIR writes the bundle "
            "elsewhere, for learn-songs --bundle to teach and for you to put in place; "
            "--even-if-worse promotes it without."
        )


def next_version(old: str, wanted: str) -> str:
    """Return the version of a recipe where it is higher than the old one, else the next one."""
    if _numbers(wanted) > _numbers(old):
        return wanted
    major, minor, *_ = _numbers(old)
    return f"{major}.{minor + 1}.0"


def _judged(job: PromotionJob, new: Answers) -> str:
    """Return how the new bundle compares with the old one, or refuse it."""
    found = _comparison(job, new)
    if found is None:
        told, refused = "there is no clip to compare it with the old one on", True
    else:
        comparison, fairness = found
        told = f"{comparison.summary()}; {fairness}"
        refused = comparison.balanced_accuracy.difference.value < 0
    if refused and not job.even_if_worse:
        raise TrainingError(
            f"It is not promoted: {told}. --even-if-worse does it all the same; "
            "export --out DIR writes the bundle elsewhere."
        )
    return told


def _comparison(job: PromotionJob, new: Answers) -> tuple[Comparison, str] | None:
    folder = job.models / str(job.recipe.serving.bundle)
    for old, fairness in ((read_held_out(folder), ITSELF), (None, FLATTERED)):
        answers = _asked(job, folder) if old is None else old
        both = sorted(key for key in new.keys() & answers.keys())
        if both:
            return compare_held_out(both, answers, new), fairness
    return None


def _asked(job: PromotionJob, folder: Path) -> dict[str, Answer]:
    """Ask the old bundle about all clips of the run's data that have one of its labels."""
    data = list(job.data) or [Path(path) for path in job.run.record().data]
    missing = [path for path in data if not path.exists()]
    if missing or not data:
        where = ", ".join(map(str, missing)) or "not recorded"
        raise TrainingError(
            f"To compare it with the old bundle, the run's clips are needed ({where}): say where "
            "they lie with --data."
        )
    try:
        report = evaluate(folder, data, job.cache)
    except TrainingError as error:
        logger.warning("the old bundle cannot be asked: %s", error)
        return {}
    keys = clip_keys([(row.data_set, row.group, row.name) for row in report.clips])
    return {
        hashed(key): Answer("", row.truth, row.answer, row.confidence)
        for key, row in zip(keys, report.clips, strict=True)
    }


def _card(folder: Path) -> Card | None:
    file = folder / CARD_FILE
    if not file.exists():
        return None
    try:
        return Card.model_validate_json(file.read_bytes())
    except ValueError as error:
        raise TrainingError(f"{file} is no model card: {error}") from error


def _numbers(version: str) -> tuple[int, ...]:
    try:
        numbers = tuple(int(number) for number in version.split("."))
    except ValueError:
        numbers = ()
    if len(numbers) != 3:
        raise TrainingError(f"{version} is no version of three numbers, such as 1.2.0.")
    return numbers


def _note(models: Path, line: str) -> None:
    file = models / CHANGELOG
    known = file.read_text("utf-8").removeprefix(_HEAD) if file.exists() else ""
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    with written_whole(file) as partial:
        partial.write_text(f"{_HEAD}- {today} {line}\n{known}", "utf-8")
