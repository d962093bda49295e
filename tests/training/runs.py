"""Make the folders of finished runs without training for them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np

from tests.training.tiny import TINY_GENRE
from training.fitting.fold_result import FoldResult
from training.fitting.run_folder import RunFolder
from training.fitting.run_record import RunRecord
from training.recipes import Recipe


def make_fold(
    recipe: Recipe,
    name: str = "groups-1",
    *,
    data_sets: Sequence[str] = ("made",),
    clips_each: int = 24,
    right: float = 0.75,
    seed: int = 0,
) -> FoldResult:
    """Return answers of which about a share is right; labels and groups come in turn."""
    rng = np.random.default_rng(seed)
    n = clips_each * len(data_sets)
    n_labels = len(recipe.labels)
    truth = np.arange(n) % n_labels
    answer = np.where(rng.random(n) < right, truth, rng.integers(0, n_labels, n))
    logits = 3 * np.eye(n_labels)[answer] + rng.standard_normal((n, n_labels))
    return FoldResult(
        name=name,
        clip_names=[f"{name}-{i}.wav" for i in range(n)],
        data_sets=[data_sets[i * len(data_sets) // n] for i in range(n)],
        groups=[f"{name}-group-{i // 2}" for i in range(n)],
        truth=truth,
        logits=logits.astype(np.float32),
        durations_s=np.full(n, np.nan),
        cuts_s=np.zeros(0),
        cut_logits=np.zeros((0, n, n_labels), np.float32),
    )


def with_cuts(fold: FoldResult, factors: Mapping[float, float], duration_s: float) -> FoldResult:
    """Return a fold that also answered about its clips cut short, surer by given factors.

    Its answers to clips of the whole duration stay as they are.
    """
    n = len(fold.truth)
    return replace(
        fold,
        durations_s=np.full(n, duration_s),
        cuts_s=np.array(list(factors)),
        cut_logits=np.stack([fold.logits * np.float32(factor) for factor in factors.values()]),
    )


def make_record(recipe: Recipe) -> RunRecord:
    """Return the record of a run of two epochs."""
    return RunRecord(
        task=recipe.task,
        command=f"python -m training fit {recipe.name} --data made",
        seed=3,
        clips_by_data_set={"made": 20, "also made": 4},
        skipped={"jazz.00054.wav": "is no audio"},
        epochs=2,
        history={"loss": [2.0, 1.0], "val_loss": [2.5, 1.5]},
        fit_s=90.0,
    )


def write_run(
    path: Path, recipe: Recipe = TINY_GENRE, folds: Sequence[FoldResult] | None = None
) -> RunFolder:
    """Write a run whose network has random weights; return its folder."""
    keras.utils.set_random_seed(0)
    run = RunFolder(path)
    shape = (10, recipe.inputs.windows.frames, recipe.inputs.features.bands)
    windows = np.random.default_rng(0).random(shape, dtype=np.float32)
    network = recipe.build(0)
    run.save_network(network, make_record(recipe), windows)
    for fold in [make_fold(recipe)] if folds is None else folds:
        run.save_fold(fold, network)
    return run
