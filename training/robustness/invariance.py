"""Measure whether a run's answers stay the same when a recording changes but the music does not.

Real clips are changed, sent through the service's own decoding and classification, and
judged by the network of the fold that never saw their group.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from service.audio.decode import decode
from service.errors import ServiceError
from service.inference.bundle import Bundle
from service.inference.card import Estimate
from service.inference.classification import classify
from service.inference.grids import needed_rates_hz
from training.data.readers import AudioFile, LabelledClip, read_data_sets
from training.errors import TrainingError, UnreadableClip
from training.evaluation.metrics import weighted_mean
from training.results.figures import calibrate
from training.results.fold_bundles import UnseenJob, fold_bundle, unseen_clips
from training.robustness.changes import CHANGES, UNCHANGED

CLIP_RATE_HZ = 44_100


class ChangeFigures(BaseModel):
    """How well changed clips were answered, and how often like the unchanged ones."""

    model_config = ConfigDict(extra="forbid")

    change: str
    n: int
    accuracy: Estimate
    same_answer: Estimate


class InvarianceReport(BaseModel):
    """The figures of each change, how many clips were asked about, and how many are unusable.

    A clip is skipped in all its forms if one of them cannot be read.
    """

    model_config = ConfigDict(extra="forbid")

    task: str
    clips_by_data_set: dict[str, int]
    skipped: int
    changes: list[ChangeFigures]


@dataclass(frozen=True)
class _Asked:
    """One clip and the answers to all its forms, in the order of ``CHANGES``."""

    clip: LabelledClip
    answers: list[str]


def measure(job: UnseenJob) -> InvarianceReport:
    """Change clips, ask about them and compare.

    Raises
    ------
    TrainingError
        There is no clip, or the run kept no networks.
    """
    calibration = calibrate(job.run)
    clips = [
        c for c in read_data_sets(job.data, job.recipe.task) if isinstance(c.source, AudioFile)
    ]
    asked: list[_Asked] = []
    skipped = 0
    for fold, held_out in unseen_clips(job.run, clips):
        bundle = fold_bundle(job.recipe, job.run, fold, calibration)
        drawn = _draw(held_out, job.count, job.seed)
        for clip in tqdm(drawn, desc=fold, unit="clip"):
            answers = _answers(clip, bundle, np.random.default_rng(job.seed))
            if answers is None:
                skipped += 1
            else:
                asked.append(_Asked(clip, answers))
    if not asked:
        raise TrainingError(
            "The run held out none of these clips in a fold, or none of them can be read."
        )
    data_sets = [one.clip.data_set for one in asked]
    return InvarianceReport(
        task=job.recipe.task,
        clips_by_data_set={name: data_sets.count(name) for name in sorted(set(data_sets))},
        skipped=skipped,
        changes=[_figures(name, place, asked) for place, name in enumerate(CHANGES)],
    )


def _draw(clips: Sequence[LabelledClip], count: int, seed: int) -> list[LabelledClip]:
    rng = np.random.default_rng(seed)
    drawn = []
    for data_set in sorted({clip.data_set for clip in clips}):
        members = [clip for clip in clips if clip.data_set == data_set]
        drawn += [members[i] for i in rng.permutation(len(members))[:count]]
    return drawn


def _answers(clip: LabelledClip, bundle: Bundle, rng: np.random.Generator) -> list[str] | None:
    """Return the label of each form of a clip; None if the clip cannot be read."""
    if not isinstance(clip.source, AudioFile):
        return None
    try:
        samples = clip.source.samples(CLIP_RATE_HZ)
        forms = [change(samples, CLIP_RATE_HZ, rng) for change in CHANGES.values()]
        heard = [decode(form, needed_rates_hz([bundle])) for form in forms]
        return [classify(clip, {"": bundle})[""].label for clip in heard]
    except (UnreadableClip, ServiceError):
        return None


def _figures(name: str, place: int, asked: Sequence[_Asked]) -> ChangeFigures:
    groups = [one.clip.group for one in asked]
    usual = list(CHANGES).index(UNCHANGED)

    def share(hits: list[bool]) -> Estimate:
        return weighted_mean(np.array(hits, dtype=float), np.ones(len(hits)), groups)

    return ChangeFigures(
        change=name,
        n=len(asked),
        accuracy=share([one.answers[place] == one.clip.label for one in asked]),
        same_answer=share([one.answers[place] == one.answers[usual] for one in asked]),
    )
