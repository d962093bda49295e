"""The whole training of a task: gather, measure by folds, fit the final network."""

import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np
from numpy.typing import NDArray

from service.inference.context import Context
from service.inference.windows import cut_windows
from training.data.readers import LabelledClip
from training.data.soundness import is_grouped
from training.errors import TrainingError
from training.fitting.cuts import Lengths, hear_lengths
from training.fitting.embedding import Stage, stage_of
from training.fitting.fit_job import FitJob, fingerprint
from training.fitting.fit_network import Fitted
from training.fitting.fit_without import fit_without
from training.fitting.groundwork import folds_of, keep_copies_together, versions, write_down
from training.fitting.items import Material
from training.fitting.judging import judge
from training.fitting.material import gather
from training.fitting.ratings import hear, measure, ratings_network, summaries
from training.fitting.run_folder import FINAL, HELD_BACK_FOLD
from training.fitting.run_record import RunRecord
from training.fitting.tensorboard import require_tensorboard
from training.networks.context import load_context, write_context
from training.networks.teacher import Teacher
from training.recipes import Recipe
from training.recipes.fit_settings import NETWORK

logger = logging.getLogger(__name__)

N_CHECK_WINDOWS = 64


@dataclass(frozen=True)
class _Sides:
    """Which clips are learned from and which the lists of the data hold back, by place.

    Attributes
    ----------
    trainable
        Of groups of which nothing is held back.
    held_back
        All that is.
    valid
        Of that, what the final network is judged on.
    held_back_groups
        Of which nothing is learned.
    """

    trainable: list[int]
    held_back: list[int]
    valid: list[int]
    held_back_groups: set[str]

    @classmethod
    def of(cls, clips: Sequence[LabelledClip], recipe: Recipe) -> "_Sides":
        held_back = [i for i, clip in enumerate(clips) if clip.split in recipe.validation.held_back]
        groups = {clips[i].group for i in held_back}
        return cls(
            trainable=[i for i, clip in enumerate(clips) if clip.group not in groups],
            held_back=held_back,
            valid=[i for i in held_back if clips[i].split == "valid"],
            held_back_groups=groups,
        )


def fit(job: FitJob) -> None:
    """Train and measure; finished parts of an interrupted run are kept.

    Raises
    ------
    TrainingError
        The data, the command or the environment cannot do; the message says how to mend it.
    """
    began = time.monotonic()
    _refuse_what_does_not_fit(job)
    # Before the features, which take long: its weights may not be installed.
    backbone = job.recipe.inputs.make_backbone()
    material, context = _gather(job)
    notes = write_down(job.run, job.recipe, material.clips)
    check_windows, check_contexts = _to_check(job.recipe, material, job.seed)
    if backbone is not None and job.recipe.serving.scales:
        _fit_ratings(job, backbone)
    sides = _Sides.of(material.clips, job.recipe)
    is_judged = job.with_folds or bool(sides.held_back)
    lengths = _lengths(job, material, backbone, context) if is_judged else None
    stage = stage_of(job.recipe, material, backbone, job.seed)
    material = stage.material  # so that grids which were embedded take no more memory
    fitted = _fit_networks(replace(job, recipe=stage.recipe), stage, sides, lengths)
    record = RunRecord(
        task=job.recipe.task,
        command=job.command,
        seed=job.seed,
        clips_by_data_set=dict(Counter(material.clips[i].data_set for i in sides.trainable)),
        skipped={s.name: s.reason for s in material.skipped},
        epochs=len(fitted.history["loss"]),
        history=fitted.history,
        fit_s=round(time.monotonic() - began, 1),
        network=fitted.network.name,
        grouped=is_grouped(material.clips),
        remarks=notes,
        versions=versions(),
        data=[str(path.resolve()) for path in job.data],
    )
    job.run.save_network(stage.whole(fitted.network), record, check_windows, check_contexts)


def _refuse_what_does_not_fit(job: FitJob) -> None:
    """Refuse what the recipe could not use, or the environment cannot do."""
    recipe = job.recipe
    if recipe.supplement.share == 0 and (job.beside.outside or job.beside.soundfonts):
        raise TrainingError(
            f"The recipe {recipe.name} learns from labelled clips alone; leave out --outside "
            "and --soundfonts."
        )
    if recipe.supplement.songs_share == 0 and job.beside.songs:
        raise TrainingError(f"The recipe {recipe.name} learns from no songs; leave out --songs.")
    if recipe.fit.head != NETWORK and recipe.inputs.backbone is None:
        raise TrainingError(
            f"The recipe {recipe.name} has no pretrained network for a {recipe.fit.head} "
            f"head to stand on; leave out fit.head, or make it {NETWORK}."
        )
    if job.tensorboard:
        require_tensorboard()


def _gather(job: FitJob) -> tuple[Material, Context | None]:
    """Return what is learned from and what listened to it; begin or resume the run on that."""
    with tempfile.TemporaryDirectory() as folder:
        context = _context(job, Path(folder))
        material = gather(
            job.recipe,
            job.data,
            job.cache,
            teacher=Teacher(job.cache) if job.recipe.supplement.teacher else None,
            seed=job.seed,
            beside=replace(job.beside, context=context),
            cluster=job.cluster,
        )
        material = keep_copies_together(material, job.recipe)
        besides = [*material.others, *material.synthetic, *material.songs]
        job.run.claim(fingerprint(job, material.clips, besides))
        if context is not None:
            shutil.copytree(folder, job.run.context_folder, dirs_exist_ok=True)
    return material, context


def _context(job: FitJob, folder: Path) -> Context | None:
    """Make the recipe's context in a folder, if it has one."""
    if job.recipe.inputs.context is None:
        return None
    write_context(job.recipe.inputs.context, job.models, folder)
    return load_context(folder)


def _fit_networks(job: FitJob, stage: Stage, sides: _Sides, lengths: Lengths | None) -> Fitted:
    """Fit and judge what is not finished yet; return the network that learned from all."""
    material, clips = stage.material, stage.material.clips
    if job.with_folds:
        trainable = [clips[i] for i in sides.trainable]
        for fold in folds_of(job.recipe, trainable, listed=bool(sides.valid)):
            if not job.run.has_fold(fold.name):
                test = [sides.trainable[i] for i in fold.test]
                left_out = sides.held_back_groups | fold.groups
                fitted = fit_without(job, material, left_out, fold.name)
                result = judge(job.recipe, material, fitted, test, fold.name, lengths)
                job.run.save_fold(result, stage.whole(fitted.network))
    fitted = fit_without(job, material, sides.held_back_groups, FINAL)
    if sides.valid:
        result = judge(job.recipe, material, fitted, sides.valid, HELD_BACK_FOLD, lengths)
        job.run.save_fold(result, stage.whole(fitted.network))
    return fitted


def _lengths(
    job: FitJob, material: Material, backbone: keras.Model | None, context: Context | None
) -> Lengths:
    return hear_lengths(
        job.recipe,
        material,
        job.cache,
        backbone=backbone,
        context=context,
        cluster=job.cluster,
    )


def _fit_ratings(job: FitJob, backbone: keras.Model) -> None:
    """Learn to rate, if there is a list of ratings in the data."""
    scales = job.recipe.serving.scales
    heard = hear(job.recipe, scales, job.data, job.cache, backbone, job.cluster)
    if not heard.rated.clips:
        return
    ratings = measure(heard, scales)
    job.run.save_ratings(ratings_network(heard, scales), ratings)
    for line in summaries(ratings):
        logger.info(line)


def _to_check(
    recipe: Recipe, material: Material, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw windows of real clips, on which the export must agree with Keras, and their contexts."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(material.items))[:N_CHECK_WINDOWS]
    grids = [material.items[i].grids[0].astype(np.float32) for i in chosen]
    windows = np.stack([cut_windows(grid, recipe.inputs.windows)[0] for grid in grids])
    return windows, np.stack([material.items[i].context for i in chosen])
