"""What a network makes small while it is trained, and how."""

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from training.fitting.targets import TEACHER
from training.recipes.fit_settings import FitSettings

# How often the averages of a normalised layer forget all but a third, until training ends.
SETTLED = 10


def compile_network(
    network: keras.Model, settings: FitSettings, teacher_moments: NDArray[np.float32]
) -> None:
    """Tell a network what to make small, and how; the arguments are those of ``fit_network``."""
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
        losses[TEACHER] = StandardisedError(*teacher_moments)
    loss_weights = {name: settings.teacher_weight if name == TEACHER else 1.0 for name in outputs}
    network.compile(
        keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay), losses, loss_weights
    )


class StandardisedError(keras.losses.Loss):  # type: ignore[misc]  # keras has no types
    """Mean squared error to targets of mean 0 and spread 1, so that all count alike."""

    def __init__(self, mean: NDArray[np.float32], spread: NDArray[np.float32]) -> None:
        super().__init__(name="standardised_error")
        self._mean = mean
        self._spread = np.maximum(spread, 1e-3)

    def call(self, y_true: tf.Tensor, y_pred: tf.Tensor) -> tf.Tensor:
        """Return the error of each example."""
        standardised = (y_true - self._mean) / self._spread
        return keras.ops.mean(keras.ops.square(y_pred - standardised), axis=-1)
