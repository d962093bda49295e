"""Store weights in half the space where that loses nothing."""

from pathlib import Path

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

SMALLEST = 1_000
"""Numbers in a weight that is worth the trouble."""


def round_to_halves(network: keras.Model) -> None:
    """Round the matrices of a network to half precision, so that they can be stored in it."""
    for layer in network.layers:
        weights = layer.get_weights()
        if any(_is_large_matrix(weight) for weight in weights):
            layer.set_weights([w.astype(np.float16) if _is_large_matrix(w) else w for w in weights])


def halve_exact_weights(file: Path) -> None:
    """Store the weights of a network that are whole in half precision so, to be cast when loaded.

    A runtime casts them once, when it opens the file; what it computes stays the same.
    """
    model = onnx.load(file)
    graph = model.graph
    casts = []
    for weight in graph.initializer:
        if weight.data_type != TensorProto.FLOAT or np.prod(weight.dims) < SMALLEST:
            continue
        numbers = numpy_helper.to_array(weight)
        halves = numbers.astype(np.float16)
        if not np.array_equal(halves.astype(np.float32), numbers):
            continue
        stored = f"{weight.name}_half"
        casts.append(helper.make_node("Cast", [stored], [weight.name], to=TensorProto.FLOAT))
        weight.CopyFrom(numpy_helper.from_array(halves, stored))
    if not casts:
        return
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    file.write_bytes(model.SerializeToString(deterministic=True))


def _is_large_matrix(weight: NDArray[np.float32]) -> bool:
    return weight.ndim > 1 and weight.size >= SMALLEST
