"""A layer that counts in whole steps, so that what comes after it can be done with integers.

A network whose values are whole numbers of few bits runs twice as fast. Which processor runs
it does not matter: whole numbers are added without rounding, in whatever order. So that a
network in Keras answers as the integers of the service will, bit for bit, its numbers are whole
too, only stored as floating-point ones; they stay far below 2^24, up to which these are exact.
"""

from typing import Any

import keras
from keras import layers

UNSIGNED = (0, 255)
SIGNED = (-128, 127)
"""The whole numbers of eight bits."""


@keras.saving.register_keras_serializable(package="training")
class WholeSteps(layers.Layer):  # type: ignore[misc]  # keras has no types
    """Multiplies each channel by a factor, rounds, and keeps to a range.

    Rounds halves to even, as onnxruntime does. A range from 0 on is a rectifier too.

    Parameters
    ----------
    lowest, highest
        The range.
    """

    def __init__(self, lowest: int, highest: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.lowest, self.highest = lowest, highest

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Make the factors, one for each channel."""
        channels = (input_shape[-1],)
        self.factor = self.add_weight(channels, initializer="ones", trainable=False, name="factor")

    def call(self, inputs: keras.KerasTensor) -> keras.KerasTensor:
        """Return whole numbers."""
        counted = keras.ops.round(inputs * self.factor)
        return keras.ops.clip(counted, self.lowest, self.highest)

    def get_config(self) -> dict[str, Any]:
        """Return what the layer is made anew with."""
        return {**super().get_config(), "lowest": self.lowest, "highest": self.highest}
