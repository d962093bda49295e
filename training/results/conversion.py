"""Convert networks to ONNX, and refuse a file that does not answer as Keras did."""

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
import tf2onnx
from numpy.typing import NDArray

from training.errors import TrainingError
from training.results.canonical import make_canonical
from training.results.halves import halve_exact_weights
from training.results.integers import COUNTS, counts_in_whole_steps, with_integers

logger = logging.getLogger(__name__)

OPSET = 17  # tf2onnx refuses 19 and above
LARGEST_DIFFERENCE = 1e-4


def convert(
    network: keras.Model,
    file: Path,
    windows: NDArray[np.float32],
    largest_difference: float = LARGEST_DIFFERENCE,
) -> None:
    """Convert a network to ONNX and compare both on real windows.

    tf2onnx only logs an operation it does not know and writes a broken file, so the
    file is always loaded and its answers compared.

    Parameters
    ----------
    network
        With one output.
    file
        Where the converted network goes; the same network always gives the same file.
    windows
        What both are asked about, shape [windows, frames, bands].
    largest_difference
        How far their answers may lie apart.

    Raises
    ------
    TrainingError
        onnxruntime cannot load the file, or its answers differ by more than is allowed.
    """
    whole = counts_in_whole_steps(network)
    model = with_integers(network, _converted_rest) if whole else _converted(network, "window")
    file.write_bytes(model.SerializeToString())
    try:
        make_canonical(file)
        halve_exact_weights(file)
        answers = _ask(file, windows)
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise TrainingError(f"onnxruntime cannot run the converted network: {error}") from error
    compare(file.stem, answers, network, windows, largest_difference)


def says_the_same(
    file: Path, network: keras.Model, windows: NDArray[np.float32], largest_difference: float
) -> bool:
    """Return whether a converted network's answers about windows are those of Keras."""
    try:
        answers = _ask(file, windows)
    except Exception:  # a network for other windows; onnxruntime has no common base class
        return False
    return _difference(answers, network, windows) <= largest_difference


def compare(
    name: str,
    answers: NDArray[np.float32],
    network: keras.Model,
    inputs: Any,
    largest_difference: float = LARGEST_DIFFERENCE,
) -> None:
    """Compare a converted network's answers with those of Keras, and log it under a name.

    Raises
    ------
    TrainingError
        They differ by more than is allowed.
    """
    difference = _difference(answers, network, inputs)
    if not difference <= largest_difference:
        raise TrainingError(
            f"The converted network's answers differ from those of Keras by {difference:.2g} on "
            f"{len(answers)} real windows, more than {largest_difference:g}; it is not exported."
        )
    logger.info(
        "%s: onnxruntime agrees with Keras to %.1g on %d windows", name, difference, len(answers)
    )


def _converted(network: keras.Model, name: str, **options: Any) -> onnx.ModelProto:
    signature = (tf.TensorSpec((None, *network.input_shape[1:]), tf.float32, name=name),)
    model, _ = tf2onnx.convert.from_keras(network, signature, opset=OPSET, **options)
    return model


def _converted_rest(network: keras.Model) -> onnx.ModelProto:
    return _converted(network, COUNTS, inputs_as_nchw=[COUNTS])


def _ask(file: Path, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    answers: NDArray[np.float32] = session.run(None, {"window": windows})[0]
    return answers


def _difference(answers: NDArray[np.float32], network: keras.Model, inputs: Any) -> float:
    expected = np.asarray(network(inputs, training=False))
    return float(np.abs(answers - expected).max()) if answers.shape == expected.shape else np.inf
