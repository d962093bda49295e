"""Ready a compiled network for its first step."""

import keras
import numpy as np


def make_variables(network: keras.Model) -> None:
    """Make what training counts with: the optimizer's moments and the trackers of the losses.

    Keras would make them while TensorFlow traces the first step, which is then traced a second
    time: a third of a second for the smallest network, several for a large one.
    """
    network.optimizer.build(network.trainable_variables)
    window = np.zeros((1, *network.input_shape[1:]), np.float32)
    answer = network(window, training=False)
    network.compute_loss(window, answer, answer)
