"""Train the chosen systems on the same exams, one after the other, and write their table."""

import logging
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
from tqdm import tqdm

from training.comparison.cost import Cost, mean_cost, serving_times_ms
from training.comparison.exams import PROTOCOLS, Exam, across_data_sets, by_artist, gtzan_lists
from training.comparison.features import FEATURES, Features
from training.comparison.systems import TASKS, System, choose
from training.comparison.table import Comparison, Row, write
from training.data.cache import FeatureCache
from training.data.readers import AudioFile, LabelledClip
from training.data.splits import Fold
from training.errors import TrainingError
from training.fitting.beside import NOTHING_BESIDE
from training.fitting.embedding import Stage, stage_of
from training.fitting.fit_job import FitJob, fingerprint
from training.fitting.fit_without import fit_without
from training.fitting.judging import judge
from training.fitting.material import assemble
from training.fitting.run_folder import RunFolder
from training.recipes import Recipe
from training.results.figures import UNCALIBRATED, evaluations

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompareJob:
    """What to compare, on what, and where to keep it.

    Attributes
    ----------
    task
        ``genre`` or ``emotion``.
    systems
        What to train; other systems that the run holds already stay in its table.
    data
        Data sets with audio, and for the pictures also with grids or pictures.
    run
        Folder of the run; networks finished there are not trained again.
    cache
        Where features are kept.
    n_folds
        How many folds of artists to hold out in turn.
    across
        Whether also to hold out each data set in turn.
    seed
        Seed of weights, batches and augmentation; what is held out does not depend on it.
    cluster
        Address of a Dask scheduler for the features; None for this machine.
    teachers
        Holds mn04, for the systems that ask teachers.
    command
        The command line, for the record.
    """

    task: str
    systems: Sequence[System]
    data: Sequence[Path]
    run: Path
    cache: FeatureCache
    n_folds: int
    across: bool
    seed: int
    cluster: str | None
    teachers: Path
    command: str

    def features(self, system: System) -> Features:
        """Return what a system sees."""
        return FEATURES[system.features].heard_by(self.teachers, self.run / "teachers")


def compare(job: CompareJob) -> Comparison:
    """Train, measure and write ``compare.md``, ``compare.json`` and ``compare.png``.

    Raises
    ------
    TrainingError
        The data or the folder cannot do; the message says how to mend it.
    """
    for system in job.systems:
        job.features(system)  # before anything slow, a missing teacher is told
    on_audio, on_pictures = _exams(job)
    task = TASKS[job.task]
    # No system is told of the chords.
    alone = replace(task, inputs=replace(task.inputs, context=None))
    for exam in on_audio + on_pictures:
        owner = _fit_job(job, alone, job.run / "exams" / exam.name)
        owner.run.claim(fingerprint(owner, exam.clips))
    for system in tqdm(job.systems, desc=f"systems for {job.task}", unit="system"):
        for exam in on_pictures if system.sees_pictures else on_audio:
            _sit(job, system, exam)
    comparison = _collect(job)
    write(comparison, job.run)
    return comparison


def _exams(job: CompareJob) -> tuple[list[Exam], list[Exam]]:
    """Return what the systems that hear sit, and what those that see pictures do."""
    on_audio: list[Exam] = []
    on_pictures: list[Exam] = []
    if not all(system.sees_pictures for system in job.systems):
        on_audio.append(by_artist(job.task, job.data, job.n_folds))
        if job.across:
            on_audio.append(across_data_sets(on_audio[0]))
    if any(system.sees_pictures for system in job.systems):
        listed = gtzan_lists(job.data)
        if listed is not None:
            on_pictures.append(listed)
        elif on_audio:
            logger.info("--data holds no GTZAN pictures; no system is trained on them")
        else:
            raise TrainingError(
                "--data holds none of the GTZAN pictures: give images_original, or a folder "
                "with gtzan_mel.npz."
            )
    return on_audio, on_pictures


def _sit(job: CompareJob, system: System, exam: Exam) -> None:
    """Train and judge those networks of an exam that are not finished."""
    recipe = system.recipe(job.task)
    fit_job = _fit_job(job, recipe, _folder(job, system, exam.name))
    todo = [fold for fold in exam.folds if not fit_job.run.has_fold(fold.name)]
    if not todo:
        return
    backbone = recipe.inputs.make_backbone()
    features = job.features(system)
    material = assemble(
        recipe,
        [_as_seen(features, clip) for clip in exam.clips],
        job.cache,
        seed=job.seed,
        cluster=job.cluster,
    )
    stage = stage_of(recipe, material, backbone, job.seed)
    fit_job = replace(fit_job, recipe=stage.recipe)
    for fold in todo:
        test = {exam.clips[i].source.name for i in fold.test}
        _train(fit_job, features, stage, fold, test)
        keras.utils.clear_session()  # or the graphs of all networks pile up


def _train(job: FitJob, features: Features, stage: Stage, fold: Fold, test: set[str]) -> None:
    # From its beginning, also after an interruption: the time is that of the whole training.
    shutil.rmtree(job.run.backup(fold.name), ignore_errors=True)
    material, began = stage.material, time.process_time()
    fitted = fit_without(job, material, set(fold.groups), fold.name)
    fit_s = time.process_time() - began
    judged = [i for i, clip in enumerate(material.clips) if clip.source.name in test]
    result = judge(job.recipe, material, fitted, judged, fold.name)
    network = stage.whole(fitted.network)
    with tempfile.TemporaryDirectory() as scratch:
        features_ms, network_ms = serving_times_ms(features, network, Path(scratch))
    cost = Cost(
        parameters=network.count_params(),
        epochs=len(fitted.history["loss"]),
        fit_s=round(fit_s, 3),
        features_ms=features_ms,
        network_ms=network_ms,
    )
    job.run.path.mkdir(parents=True, exist_ok=True)
    _cost_file(job.run, fold.name).write_text(cost.model_dump_json(), "utf-8")
    job.run.save_fold(result, network)


def _as_seen(features: Features, clip: LabelledClip) -> LabelledClip:
    if isinstance(clip.source, AudioFile):
        return replace(clip, source=features.of(clip.source))
    return clip


def _collect(job: CompareJob) -> Comparison:
    """Return the figures of all systems of the task that the run holds."""
    rows = []
    for system in choose(job.task, (), ()):
        recipe = system.recipe(job.task)
        runs = {name: RunFolder(_folder(job, system, name)) for name in PROTOCOLS}
        runs = {name: run for name, run in runs.items() if run.folds()}
        costs = [
            Cost.model_validate_json(_cost_file(run, fold.name).read_bytes())
            for run in runs.values()
            for fold in run.folds()
        ]
        if runs:
            exams = {
                name: evaluations(recipe, run, UNCALIBRATED, protocol=PROTOCOLS[name])
                for name, run in runs.items()
            }
            rows.append(
                Row(
                    model=system.model,
                    features=system.features,
                    outside_service=FEATURES[system.features].outside_service,
                    cost=mean_cost(costs),
                    exams=exams,
                )
            )
    return Comparison(task=job.task, command=job.command, seed=job.seed, rows=rows)


def _fit_job(job: CompareJob, recipe: Recipe, folder: Path) -> FitJob:
    return FitJob(
        recipe=recipe,
        data=job.data,
        run=RunFolder(folder),
        cache=job.cache,
        seed=job.seed,
        beside=NOTHING_BESIDE,
        with_folds=True,
        cluster=job.cluster,
        command=job.command,
    )


def _folder(job: CompareJob, system: System, exam: str) -> Path:
    return job.run / "systems" / system.name / exam


def _cost_file(run: RunFolder, fold: str) -> Path:
    return run.path / f"cost-{fold}.json"
