"""The whole training of a task: gather, measure by folds, fit the final network."""

import hashlib
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

from service.inference.bundle import MODEL_FILE, file_sha256
from service.inference.context import Context
from service.inference.windows import cut_windows
from training.data.cache import FeatureCache
from training.data.labels import OUTSIDE
from training.data.readers import LabelledClip
from training.data.soundness import is_grouped
from training.errors import TrainingError
from training.fitting.beside import Beside
from training.fitting.cuts import Lengths, hear_lengths
from training.fitting.embedding import stage_of
from training.fitting.fit_network import Fitted, clip_logits, draw_stop_groups, fit_network
from training.fitting.fold_result import FoldResult
from training.fitting.groundwork import folds_of, keep_copies_together, versions, write_down
from training.fitting.head_choice import choose_head
from training.fitting.items import Item, Material, examples, teacher_moments
from training.fitting.linear_head import fit_linear_head
from training.fitting.material import gather
from training.fitting.ratings import hear, measure, ratings_network, summaries
from training.fitting.rehearsal import short
from training.fitting.run_folder import FINAL, HELD_BACK_FOLD, RunFolder
from training.fitting.run_record import RunRecord
from training.fitting.tensorboard import require_tensorboard, write_losses
from training.networks.context import load_context, write_context
from training.networks.teacher import Teacher
from training.recipes import Recipe
from training.recipes.fit_settings import CHOSEN, NETWORK
from training.recipes.tables import recipe_text

logger = logging.getLogger(__name__)

STOP_SHARE = 0.08
FEW_CLIPS = 250
N_CHECK_WINDOWS = 64


@dataclass(frozen=True)
class FitJob:
    """What to train, on what, and where to keep it.

    Attributes
    ----------
    recipe
        How to train.
    data
        Data sets to learn from.
    run
        Where the result goes; a run that was interrupted goes on there.
    cache
        Where features are kept.
    seed
        Seed of everything random.
    beside
        What to learn from beside the labelled data.
    with_folds
        Whether to measure the recipe by folds first; without, the card has few figures.
    cluster
        Address of a Dask scheduler for the features; None for this machine.
    command
        The command line, for the record.
    models
        Finished models, of which the recipe may need one to listen to the clips.
    tensorboard
        Whether to write logs that TensorBoard reads into the run.
    """

    recipe: Recipe
    data: Sequence[Path]
    run: RunFolder
    cache: FeatureCache
    seed: int
    beside: Beside
    with_folds: bool
    cluster: str | None
    command: str
    models: Path = Path("models")
    tensorboard: bool = False


def fit(job: FitJob) -> None:
    """Train and measure; finished parts of an interrupted run are kept.

    Raises
    ------
    TrainingError
        The data, the command or the environment cannot do; the message says how to mend it.
    """
    began = time.monotonic()
    if job.recipe.supplement.share == 0 and (job.beside.outside or job.beside.soundfonts):
        raise TrainingError(
            f"The recipe {job.recipe.name} learns from labelled clips alone; leave out --outside "
            "and --soundfonts."
        )
    if job.recipe.fit.head != NETWORK and job.recipe.inputs.backbone is None:
        raise TrainingError(
            f"The recipe {job.recipe.name} has no pretrained network for a {job.recipe.fit.head} "
            f"head to stand on; leave out fit.head, or make it {NETWORK}."
        )
    if job.tensorboard:
        require_tensorboard()
    # Before the features, which take long: its weights may not be installed.
    backbone = None if job.recipe.inputs.backbone is None else job.recipe.inputs.backbone()
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
        job.run.claim(fingerprint(job, material.clips, [*material.others, *material.synthetic]))
        if context is not None:
            shutil.copytree(folder, job.run.context_folder, dirs_exist_ok=True)
    notes = write_down(job.run, job.recipe, material.clips)
    check_windows, check_contexts = _to_check(job.recipe, material, job.seed)
    if backbone is not None and job.recipe.serving.scales:
        _fit_ratings(job, backbone)
    clips = material.clips
    held_back = [i for i, clip in enumerate(clips) if clip.split in job.recipe.validation.held_back]
    is_judged = job.with_folds or bool(held_back)
    lengths = _lengths(job, material, backbone, context) if is_judged else None
    stage = stage_of(job.recipe, material, backbone, job.seed)
    job, material = replace(job, recipe=stage.recipe), stage.material
    held_back_groups = {clips[i].group for i in held_back}
    trainable = [i for i, clip in enumerate(clips) if clip.group not in held_back_groups]
    valid = [i for i in held_back if clips[i].split == "valid"]
    if job.with_folds:
        for fold in folds_of(job.recipe, [clips[i] for i in trainable], listed=bool(valid)):
            if not job.run.has_fold(fold.name):
                test = [trainable[i] for i in fold.test]
                fitted = fit_without(job, material, held_back_groups | fold.groups, fold.name)
                result = judge(job, material, fitted, test, fold.name, lengths)
                job.run.save_fold(result, stage.whole(fitted.network))
    fitted = fit_without(job, material, held_back_groups, FINAL)
    if valid:
        result = judge(job, material, fitted, valid, HELD_BACK_FOLD, lengths)
        job.run.save_fold(result, stage.whole(fitted.network))
    record = RunRecord(
        task=job.recipe.task,
        command=job.command,
        seed=job.seed,
        clips_by_data_set=dict(Counter(clips[i].data_set for i in trainable)),
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


def fingerprint(job: FitJob, clips: Sequence[LabelledClip], beside: Sequence[Item] = ()) -> str:
    """Return a hash of what a run's finished parts depend on, apart from the code.

    That is recipe, seed, the labelled clips, the model that listens to them, and all that is
    learned from beside them, as the network will see it: recordings of folders and further
    lists, and sounds rendered with SoundFonts.
    """
    digest = hashlib.sha256(repr((recipe_text(job.recipe), job.seed)).encode())
    if job.recipe.inputs.context is not None:
        listener = job.models / job.recipe.inputs.context.bundle / MODEL_FILE
        digest.update(repr((job.recipe.inputs.context, file_sha256(listener))).encode())
    for clip in clips:
        known = (clip.label, clip.group, clip.data_set, clip.split)
        digest.update(repr((clip.source.content_key(), known)).encode())
    for item in beside:
        digest.update(repr((item.group, item.label, item.companion)).encode())
        for grid in item.grids:
            digest.update(np.ascontiguousarray(grid).data)
    return digest.hexdigest()


def fit_without(job: FitJob, material: Material, groups: set[str], name: str) -> Fitted:
    """Fit on everything but some groups."""
    recipe = job.recipe
    items = material.without_groups(material.items, groups)
    logs = job.run.tensorboard(name) if job.tensorboard else None
    penalty = _penalty(job, items, name)
    if penalty is not None:
        fitted = fit_linear_head(items, recipe, penalty)
        if logs is not None:
            write_losses(logs, fitted.history)
        return fitted
    if recipe.fit.head == CHOSEN and len(material.items) < FEW_CLIPS:
        # As short as it was tried: so few clips cannot tell when to stop.
        recipe = replace(recipe, fit=short(recipe.fit, items))
    learn, stop = _split_for_stop(recipe, items, job.seed)
    return fit_network(
        recipe,
        examples(learn),
        examples([_clean(item) for item in stop]) if stop else None,
        teacher_moments=teacher_moments(items),
        seed=job.seed,
        backup=job.run.backup(name),
        description=f"{recipe.name} {name}",
        tensorboard=logs,
    )


def _penalty(job: FitJob, items: Sequence[Item], name: str) -> float | None:
    """Return that of the linear head to fit on some items; None for the recipe's own network."""
    if job.recipe.fit.head == NETWORK:
        return None
    choice = job.run.head_choice(name)
    if choice is None:
        choice = choose_head(items, job.recipe, job.seed)
        job.run.keep_head_choice(name, choice)
        logger.info("%s %s: %s", job.recipe.task, name, choice.summary())
    return choice.penalty


def _split_for_stop(
    recipe: Recipe, items: Sequence[Item], seed: int
) -> tuple[list[Item], list[Item]]:
    """Return what to learn from and what tells when to stop; nothing for that without patience."""
    if recipe.fit.patience is None:
        return list(items), []
    stop = draw_stop_groups(
        [item.label for item in items],
        [item.group for item in items],
        STOP_SHARE,
        np.random.default_rng(seed),
    )
    # A folder of outside recordings is one group; were it chosen, nothing would be learned of it.
    stop &= np.array([item.label != OUTSIDE for item in items])
    return _chosen(items, ~stop), _chosen(items, stop)


def judge(
    job: FitJob,
    material: Material,
    fitted: Fitted,
    test: Sequence[int],
    name: str,
    lengths: Lengths | None = None,
) -> FoldResult:
    """Ask a fitted network about clips that it never saw, and about what they are cut to."""
    clips = [material.clips[i] for i in test]
    items = [material.items[i] for i in test]
    lengths = lengths or Lengths(np.full(len(material.clips), np.nan), {})
    result = FoldResult(
        name=name,
        clip_names=[Path(clip.source.name).name for clip in clips],
        data_sets=[clip.data_set for clip in clips],
        groups=[clip.group for clip in clips],
        truth=np.array([item.label for item in items]),
        logits=clip_logits(fitted.network, [i.grids[0] for i in items], job.recipe),
        durations_s=lengths.durations_s[list(test)],
        cuts_s=np.array(list(lengths.cuts), dtype=np.float64),
        cut_logits=_cut_logits(fitted, lengths, test, job.recipe),
    )
    right = (result.logits.argmax(axis=1) == result.truth).mean()
    logger.info("%s %s: %.1f%% of %d clips", job.recipe.task, name, 100 * right, len(test))
    return result


def _cut_logits(
    fitted: Fitted, lengths: Lengths, test: Sequence[int], recipe: Recipe
) -> NDArray[np.float32]:
    """Return the logits of cut clips, shape [cuts, clips, labels]; NaN for those no longer."""
    shape = len(lengths.cuts), len(test), len(recipe.labels)
    logits = np.full(shape, np.nan, dtype=np.float32)
    for number, grids in enumerate(lengths.cuts.values()):
        known = [place for place, i in enumerate(test) if i in grids]
        if known:
            heard = [grids[test[place]] for place in known]
            logits[number, known] = clip_logits(fitted.network, heard, recipe)
    return logits


def _context(job: FitJob, folder: Path) -> Context | None:
    """Make the recipe's context in a folder, if it has one."""
    if job.recipe.inputs.context is None:
        return None
    write_context(job.recipe.inputs.context, job.models, folder)
    return load_context(folder)


def _to_check(
    recipe: Recipe, material: Material, seed: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Draw windows of real clips, on which the export must agree with Keras, and their contexts."""
    rng = np.random.default_rng(seed)
    chosen = rng.permutation(len(material.items))[:N_CHECK_WINDOWS]
    grids = [material.items[i].grids[0].astype(np.float32) for i in chosen]
    windows = np.stack([cut_windows(grid, recipe.inputs.windows)[0] for grid in grids])
    return windows, np.stack([material.items[i].context for i in chosen])


def _chosen(items: Sequence[Item], which: NDArray[np.bool_]) -> list[Item]:
    return [item for item, wanted in zip(items, which, strict=True) if wanted]


def _clean(item: Item) -> Item:
    return replace(item, grids=item.grids[:1])
