"""Fit one network: fixed seed, visible progress, stops early if asked to, resumes where it was."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.fitting.batches import Examples, WindowBatches
from training.fitting.callbacks import FollowEpoch, KeepBest, KeepState, ProgressBar
from training.fitting.first_step import make_variables
from training.fitting.losses import compile_network
from training.fitting.stopping import stop_batch
from training.fitting.tensorboard import follow
from training.recipes import Recipe


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
    keep_best = KeepBest(backup / "best.npz", settings.patience if stop else None)
    keep_state = KeepState(backup / "state.npz")
    network.fit(
        batches,
        epochs=settings.epochs,
        initial_epoch=keep_state.restore(network),
        validation_data=stop and stop_batch(stop, recipe.inputs.windows, outputs),
        shuffle=False,  # the batches are random, their order must not be
        verbose=0,
        callbacks=[
            FollowEpoch(batches),
            keep_best,
            keep_state,
            ProgressBar(settings.epochs, description),
            *([] if tensorboard is None else [follow(tensorboard)]),
        ],
    )
    if recipe.finish is not None:
        recipe.finish(network)
    return Fitted(network, keep_best.history)


def _strategy() -> tf.distribute.Strategy:
    """Return the strategy that shares batches among GPUs, where there is more than one."""
    gpus = tf.config.list_logical_devices("GPU")
    return tf.distribute.MirroredStrategy() if len(gpus) > 1 else tf.distribute.get_strategy()
