"""The average of a student's weights over its last steps.

While the learning rate is high, each step leaves the weights a little off the mark, each
time elsewhere; their average lies nearer to it. Normalisations must know the statistics
of the average, which no step has seen, so they are counted anew.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@contextmanager
def averaged(network: keras.Model, batches: Sequence[Array]) -> Iterator[None]:
    """Let a network at work have the average of its weights for a while.

    Parameters
    ----------
    network
        Compiled with an optimizer that keeps the average (``use_ema``).
    batches
        Windows from which the statistics of the normalisations are counted.
    """
    at_work = network.get_weights()
    network.optimizer.finalize_variable_values(network.trainable_variables)
    settle(network, batches)
    try:
        yield
    finally:
        network.set_weights(at_work)


def settle(network: keras.Model, batches: Sequence[Array]) -> None:
    """Count the statistics of a network's normalisations anew, each batch alike."""
    norms = [one for one in network.layers if isinstance(one, keras.layers.BatchNormalization)]
    momenta = [norm.momentum for norm in norms]
    for known, batch in enumerate(batches):
        for norm in norms:
            norm.momentum = known / (known + 1)
        network(batch, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
