"""Losses as TensorBoard reads them, while a network is trained."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import keras
import tensorflow as tf

from training.errors import TrainingError


def require_tensorboard() -> None:
    """Raise TrainingError where TensorBoard is not installed."""
    if find_spec("tensorboard") is None:
        raise TrainingError(
            "--tensorboard needs the package tensorboard, which comes with the extra training: "
            "pip install -c requirements.lock '.[training]'"
        )


def follow(folder: Path) -> keras.callbacks.Callback:
    """Return what writes the losses of each epoch below a folder."""
    return keras.callbacks.TensorBoard(str(folder), write_graph=False)


def write_losses(folder: Path, losses: Mapping[str, Sequence[float]]) -> None:
    """Write losses that are known already, one after the other."""
    writer = tf.summary.create_file_writer(str(folder / "train"))
    with writer.as_default():
        for name, values in losses.items():
            for step, loss in enumerate(values):
                tf.summary.scalar(name, loss, step=step)
    writer.close()
