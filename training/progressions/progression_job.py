"""Measure how well a run names chords over time, as the service would answer.

Progressions of real guitars are judged by the network of the fold that never saw their
data set, songs by the final network, which never saw the instruments of their font.
Each network is exported and asked through the service's own functions; what is scored
is the ``.lab`` file that a client would get.
"""

import logging
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict
from tqdm import tqdm

from service.audio.decode import clip_of
from service.inference.bundle import Bundle
from service.inference.card import Calibration, Estimate
from service.inference.grids import needed_rates_hz
from training.data.annotation import Annotation
from training.data.readers import LabelledClip, read_data_sets
from training.errors import TrainingError
from training.fitting.run_folder import RunFolder
from training.progressions.clips import progressions_of_clips
from training.progressions.lab_answers import ask, lab_annotation
from training.progressions.progression import Progression
from training.progressions.scores import Score, pool, score
from training.progressions.songs import render_songs
from training.results.figures import calibrate
from training.results.fold_bundles import UnseenJob, fold_bundle, unseen_clips
from training.synthesis.soundfont import require_fluidsynth

logger = logging.getLogger(__name__)

ALL_GUITARS = "all guitars"


@dataclass(frozen=True)
class ProgressionJob(UnseenJob):
    """What to measure; of each data set ``count`` progressions, at least one a guitar.

    Attributes
    ----------
    songs
        How many songs.
    soundfont
        What plays the songs; None for no songs.
    """

    songs: int
    soundfont: Path | None


class Part(BaseModel):
    """The figures of some recordings."""

    model_config = ConfigDict(extra="forbid")

    name: str
    recordings: int
    groups: int
    chords: int
    duration_s: float
    figures: dict[str, Estimate]


class ProgressionReport(BaseModel):
    """All figures of a run over time: the guitars pooled, each data set, the songs."""

    model_config = ConfigDict(extra="forbid")

    task: str
    temperature: float
    parts: list[Part]
    left_out: list[str]


@dataclass(frozen=True)
class Judged:
    """A recording and how well it was answered."""

    progression: Progression
    scores: Mapping[str, Score]


def measure(job: ProgressionJob) -> ProgressionReport:
    """Make progressions and songs, let the networks name their chords, and score them.

    Raises
    ------
    TrainingError
        The recipe joins no segments, the run has no networks, or the songs cannot be
        rendered; the message says how to mend it.
    """
    if job.recipe.serving.timeline is None or job.recipe.serving.lab_labels is None:
        raise TrainingError(f"The recipe {job.recipe.name} does not answer with chords over time.")
    if job.soundfont is not None:
        require_fluidsynth(job.soundfont)
        _require_unheard(job.soundfont, job.run)
    calibration = calibrate(job.run)
    guitars: list[Judged] = []
    left_out = []
    for name, progressions in held_out_progressions(job):
        if progressions:
            guitars += judge(job, name, progressions, calibration)
        else:
            left_out.append(name)
    parts = [_part(ALL_GUITARS, guitars)] if guitars else []
    for data_set in sorted({judged.progression.data_set for judged in guitars}):
        members = [judged for judged in guitars if judged.progression.data_set == data_set]
        parts.append(_part(data_set, members))
    if job.soundfont is not None:
        rate_hz = job.recipe.inputs.features.sample_rate_hz
        songs = render_songs(job.soundfont, rate_hz, count=job.songs, seed=job.seed)
        parts.append(_part(songs[0].data_set, judge(job, None, songs, calibration)))
    if not parts:
        raise TrainingError("No guitar has enough chords for a progression, and there is no song.")
    return ProgressionReport(
        task=job.recipe.task,
        temperature=calibration.temperature,
        parts=parts,
        left_out=left_out,
    )


def _require_unheard(soundfont: Path, run: RunFolder) -> None:
    # As the command was written down: by the names of files, without links, quoted.
    if soundfont.resolve().name in shlex.split(run.record().command):
        raise TrainingError(
            f"The run was trained on {soundfont.name}; songs that it plays would flatter it. "
            "Take another SoundFont."
        )


def held_out_progressions(job: ProgressionJob) -> Iterator[tuple[str, list[Progression]]]:
    """Return each fold's name and progressions of what its network never saw."""
    clips = read_data_sets(job.data, job.recipe.task)
    for fold, held_out in unseen_clips(job.run, clips):
        yield fold, _progressions(job, held_out)


def judge(
    job: ProgressionJob,
    fold: str | None,
    progressions: Sequence[Progression],
    calibration: Calibration,
) -> list[Judged]:
    """Ask the network of a fold, or the final one, about recordings."""
    bundle = fold_bundle(job.recipe, job.run, fold, calibration)
    with tqdm(progressions, desc=fold or "songs", unit="recording") as progress:
        return [
            Judged(progression, score(progression.annotation, answer(bundle, progression)))
            for progression in progress
        ]


def answer(bundle: Bundle, progression: Progression) -> Annotation:
    """Return what the service's ``.lab`` file says, as tools that read such files see it."""
    clip = clip_of(progression.samples, progression.sample_rate_hz, needed_rates_hz([bundle]))
    return lab_annotation(ask(bundle, clip))


def _progressions(job: ProgressionJob, clips: Sequence[LabelledClip]) -> list[Progression]:
    rate_hz = job.recipe.inputs.features.sample_rate_hz
    made = []
    for data_set in sorted({clip.data_set for clip in clips}):
        members = [clip for clip in clips if clip.data_set == data_set]
        made += progressions_of_clips(members, rate_hz, count=job.count, seed=job.seed)
    return made


def _part(name: str, judged: Sequence[Judged]) -> Part:
    recordings = [j.progression for j in judged]
    groups = [f"{p.data_set}:{p.group}" for p in recordings]
    return Part(
        name=name,
        recordings=len(recordings),
        groups=len(set(groups)),
        chords=sum(len(p.chords) for p in recordings),
        duration_s=round(sum(float(p.edges_s[-1]) for p in recordings), 1),
        figures=pool([j.scores for j in judged], groups),
    )
