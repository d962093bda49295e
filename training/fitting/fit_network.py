"""Fit one network: fixed seed, visible progress, stops early if asked to, resumes where it was."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.random import Generator
from numpy.typing import NDArray
from tqdm import tqdm

from service.inference.classification import clip_logits as join_windows
from service.inference.windows import WindowSpec, cut_windows, window_starts
from training.data.cache import HalfGrid
from training.fitting.batches import (
    TEACHER,
    Examples,
    WindowBatches,
    comment_between,
    label_targets,
)
from training.fitting.counting import cut_counting
from training.fitting.first_step import make_variables
from training.fitting.tensorboard import follow
from training.recipes import Recipe
from training.recipes.fit_settings import FitSettings

logger = logging.getLogger(__name__)

PREDICT_BATCH = 256
MAX_STOP_WINDOWS = 4
# How often the averages of a normalised layer forget all but a third, until training ends.
SETTLED = 10


@dataclass(frozen=True)
class Fitted:
    """A trained network and its losses by epoch."""

    network: keras.Model
    history: dict[str, list[float]]


def fit_network(
    recipe: Recipe,
    train: Examples,
    stop: Examples | None,
    *,
    teacher_moments: NDArray[np.float32],
    seed: int,
    backup: Path,
    description: str,
    tensorboard: Path | None = None,
) -> Fitted:
    """Train a new network; call again with the same ``backup`` to go on after a stop.

    Parameters
    ----------
    recipe
        The network and how it is trained.
    train
        What it learns from.
    stop
        Clips of other groups: training ends when the loss on them no longer falls,
        and the weights of the best epoch are kept. None to train to
        the end and keep the last epoch's weights.
    teacher_moments
        Means and standard deviations of the teacher's targets, shape [2, targets]; no target
        without a teacher.
    seed
        Seed of weights, batches and augmentation.
    backup
        Folder for the state after each epoch.
    description
        What the progress bar calls it.
    tensorboard
        Folder for TensorBoard's logs; None for none.
    """
    settings = recipe.fit
    keras.utils.set_random_seed(seed)
    with _strategy().scope():
        network = recipe.build(teacher_moments.shape[1])
        compile_network(network, settings, teacher_moments)
        make_variables(network)
    outputs = {name: tensor.shape[-1] for name, tensor in network.output.items()}
    batches = WindowBatches(
        train,
        settings,
        outputs=outputs,
        windows=recipe.inputs.windows,
        augment=recipe.augment,
        seed=seed,
    )
    keep_best = _KeepBest(backup / "best.npz", settings.patience if stop else None)
    network.fit(
        batches,
        epochs=settings.epochs,
        validation_data=stop and _stop_batch(stop, recipe.inputs.windows, outputs),
        shuffle=False,  # the batches are random, their order must not be
        verbose=0,
        callbacks=[
            keras.callbacks.BackupAndRestore(str(backup), delete_checkpoint=False),
            _FollowEpoch(batches),
            keep_best,
            _ProgressBar(settings.epochs, description),
            *([] if tensorboard is None else [follow(tensorboard)]),
        ],
    )
    return Fitted(network, keep_best.history)


def clip_logits(
    network: keras.Model, grids: Sequence[HalfGrid], recipe: Recipe
) -> NDArray[np.float32]:
    """Return the mean logits of each clip's windows that count, shape [clips, labels]."""

    def ask(cut: NDArray[np.float32]) -> NDArray[np.float32]:
        # Called, not compiled: a network of a fold is asked only a few times.
        return in_batches(lambda batch: np.asarray(network(batch, training=False)["logits"]), cut)

    return logits_of(ask, grids, recipe)


def in_batches(
    ask: Callable[[NDArray[np.float32]], NDArray[np.float32]], windows: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return what is said of windows, asked about some at a time."""
    starts = range(0, len(windows), PREDICT_BATCH)
    return np.concatenate([ask(windows[at : at + PREDICT_BATCH]) for at in starts])


def logits_of(
    ask: Callable[[NDArray[np.float32]], NDArray[np.float32]],
    grids: Sequence[HalfGrid],
    recipe: Recipe,
) -> NDArray[np.float32]:
    """Return the mean of what is said of each clip's windows, shape [clips, labels].

    Parameters
    ----------
    ask
        From windows, shape [windows, frames, bands], to their logits.
    grids
        Of the clips.
    recipe
        Tells how they are cut, and which windows count.
    """
    cut = [cut_counting(grid, recipe) for grid in grids]
    ends = np.cumsum([len(w) for w in cut])[:-1]
    return np.stack([join_windows(part) for part in np.split(ask(np.concatenate(cut)), ends)])


def _strategy() -> tf.distribute.Strategy:
    """Return the strategy that shares batches among GPUs, where there is more than one."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()


def compile_network(
    network: keras.Model, settings: FitSettings, teacher_moments: NDArray[np.float32]
) -> None:
    """Tell a network what to make small, and how; the arguments are those of `fit_network`."""
    total = settings.epochs * settings.batches_per_epoch
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = min(layer.momentum, 1 - SETTLED / max(total, 2 * SETTLED))
    warm_up = min(settings.warm_up_batches, total // 10)
    schedule = keras.optimizers.schedules.CosineDecay(
        settings.peak_learning_rate / 100,
        max(1, total - warm_up),
        warmup_target=settings.peak_learning_rate,
        warmup_steps=warm_up,
    )
    outputs = network.output_names
    losses = {
        name: keras.losses.CategoricalCrossentropy(
            from_logits=True, label_smoothing=settings.label_smoothing
        )
        for name in outputs
    }
    if TEACHER in outputs:
        losses[TEACHER] = _StandardisedError(*teacher_moments)
    loss_weights = {name: settings.teacher_weight if name == TEACHER else 1.0 for name in outputs}
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay), losses, loss_weights
    )


class _StandardisedError(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """Mean squared error to targets of mean 0 and spread 1, so that all count alike."""

    def __init__(self, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> None:
        super().__init__(name="standardised_error")
        self._mean = mean
        self._spread = np.maximum(spread, 1e-3)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        standardised = (y_true - self._mean) / self._spread
        return keras.ops.mean(keras.ops.square(y_pred - standardised), axis=-1)


def _stop_batch(
    stop: Examples, windows: WindowSpec, outputs: Mapping[str, int]
) -> tuple[NDArray[np.float32], dict[str, NDArray[np.float32]], dict[str, NDArray[np.float32]]]:
    """Cut a few windows from each stop clip, so that long clips do not drown short ones."""
    inputs = []
    targets: dict[str, list[NDArray[np.float32]]] = {name: [] for name in outputs}
    weights: dict[str, list[float]] = {name: [] for name in outputs}
    clips = zip(stop.grids, stop.labels, stop.companions, stop.teacher, strict=True)
    for grid, label, companion, comments in clips:
        cut = cut_windows(grid.astype(np.float32), windows)
        chosen = np.unique(np.linspace(0, len(cut) - 1, MAX_STOP_WINDOWS).astype(int))
        inputs.append(cut[chosen])
        starts = np.array(window_starts(len(grid), windows))[chosen]
        known = label_targets(label, companion, outputs)
        for name, size in outputs.items():
            rows = [known.get(name, np.zeros(size, dtype=np.float32))] * len(chosen)
            if name == TEACHER and len(comments):
                ends = np.minimum(starts + windows.frames, len(grid))
                rows = [
                    comment_between(comments, start / len(grid), end / len(grid))
                    for start, end in zip(starts, ends, strict=True)
                ]
            is_known = name in known or (name == TEACHER and len(comments) > 0)
            targets[name] += rows
            weights[name] += [float(is_known)] * len(chosen)
    return (
        np.concatenate(inputs),
        {name: np.stack(rows) for name, rows in targets.items()},
        {name: np.array(rows, dtype=np.float32) for name, rows in weights.items()},
    )


class _FollowEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Tell the batches which epoch it is, also after training was resumed."""

    def __init__(self, batches: WindowBatches) -> None:
        super().__init__()
        self._batches = batches

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._batches.epoch = epoch


class _KeepBest(keras.callbacks.EarlyStopping):  # type: ignore[misc]  # keras has no types
    """Early stop whose losses, patience and best weights outlive an interruption.

    Without patience it never stops and only remembers the losses.
    """

    def __init__(self, file: Path, patience: int | None) -> None:
        super().__init__(patience=patience or 0, restore_best_weights=True, start_from_epoch=3)
        self._file = file
        self._watches = patience is not None
        self.history: dict[str, list[float]] = {}

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        super().on_train_begin(logs)
        if self._file.exists():
            with np.load(self._file, allow_pickle=False) as kept:
                state = json.loads(str(kept["state"]))
                weights = [kept[f"arr_{i}"] for i in range(len(kept) - 1)]
            self.history, self.best, self.wait = state["history"], state["best"], state["wait"]
            self.best_weights = weights or None

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        if self._watches:
            super().on_epoch_end(epoch, logs)
        for name, loss in (logs or {}).items():
            self.history[name] = [*self.history.get(name, [])[:epoch], float(loss)]
        best = None if self.best is None else float(self.best)
        state = json.dumps({"history": self.history, "best": best, "wait": self.wait})
        self._file.parent.mkdir(parents=True, exist_ok=True)
        partial = self._file.with_suffix(".part")
        with partial.open("wb") as file:
            np.savez(file, *(self.best_weights or ()), state=state)
        partial.replace(self._file)


class _ProgressBar(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Show epochs, losses and the time left."""

    def __init__(self, epochs: int, description: str) -> None:
        super().__init__()
        self._bar = tqdm(total=epochs, desc=description, unit="epoch")

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        self._bar.n = epoch + 1
        self._bar.set_postfix({k: f"{v:.3f}" for k, v in (logs or {}).items()})

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002
        self._bar.close()


def draw_stop_groups(
    labels: Sequence[int], groups: Sequence[str], share: float, rng: Generator
) -> NDArray[np.bool_]:
    """Choose whole groups until about a share of the clips is chosen.

    Groups that alone hold more than the share are never chosen; where there are no
    smaller ones, the smallest is, and of a single group one clip in ten.

    Returns
    -------
    ndarray of bool
        Which clips are chosen, shape [clips].
    """
    names, member, size = np.unique(np.asarray(groups), return_inverse=True, return_counts=True)
    wanted = share * len(labels)
    chosen = np.zeros(len(names), dtype=bool)
    for g in rng.permutation(len(names)):
        if size[chosen].sum() + size[g] <= wanted:
            chosen[g] = True
    if len(names) == 1:
        return np.asarray(rng.permutation(len(labels)) < max(1, len(labels) // 10))
    if not chosen.any():
        chosen[size.argmin()] = True
    return np.asarray(chosen[member])
