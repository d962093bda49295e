"""Lay a bundle out as a model repository of Triton, for those who run its networks elsewhere.

Triton runs networks, and neither decodes audio nor computes features. So each network of the bundle
becomes a model of its own, which takes windows of features, and the bundle's card, filter banks
and golden clip lie beside them for whoever prepares the windows.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path

import onnx

from service.inference.bundle_files import CARD_FILE
from training.errors import TrainingError
from training.evaluation.evaluate import load_bundle

CONFIG_FILE = "config.pbtxt"
VERSION = "1"
CONTRACT_FOLDER = "contract"
MAX_BATCH_WINDOWS = 64

_DATA_TYPES = {
    onnx.TensorProto.FLOAT: "TYPE_FP32",
    onnx.TensorProto.DOUBLE: "TYPE_FP64",
    onnx.TensorProto.INT64: "TYPE_INT64",
}


def write_repository(bundle_folder: Path, repository: Path) -> list[Path]:
    """Write one model for each network of a bundle; return their folders.

    Parameters
    ----------
    bundle_folder
        The bundle; it is proved before.
    repository
        Triton's model repository; models of the same names are replaced.

    Raises
    ------
    TrainingError
        The bundle is damaged, or a network has a form that Triton's configuration cannot tell.
    """
    task = load_bundle(bundle_folder).card.task
    written = []
    for network in sorted(bundle_folder.glob("*.onnx")):
        name = task if network.stem == "model" else f"{task}_{network.stem}"
        folder = repository / name
        (folder / VERSION).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(network, folder / VERSION / "model.onnx")
        (folder / CONFIG_FILE).write_text(config(name, network), "utf-8")
        written.append(folder)
    # In the folder of the model that answers; Triton looks for numbers only, and leaves it alone.
    contract = repository / task / CONTRACT_FOLDER
    contract.mkdir(exist_ok=True)
    for file in (CARD_FILE, *(path.name for path in bundle_folder.glob("*.np[yz]"))):
        shutil.copyfile(bundle_folder / file, contract / file)
    return written


def config(name: str, network: Path) -> str:
    """Return Triton's configuration of a network, in the text form of protobuf."""
    graph = onnx.load(network, load_external_data=False).graph
    weights = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in weights]
    return (
        f'name: "{name}"\n'
        'backend: "onnxruntime"\n'
        f"max_batch_size: {MAX_BATCH_WINDOWS}\n"
        f"{_tensors('input', inputs)}{_tensors('output', graph.output)}"
        # Windows of several requests are run together, if they come within a moment.
        "dynamic_batching { max_queue_delay_microseconds: 1000 }\n"
        "instance_group [ { kind: KIND_CPU, count: 1 } ]\n"
    )


def _tensors(kind: str, values: Sequence[onnx.ValueInfoProto]) -> str:
    return "".join(
        f'{kind} [ {{ name: "{value.name}", data_type: {_data_type(value)}, '
        f"dims: [ {', '.join(str(size) for size in _sizes(value))} ] }} ]\n"
        for value in values
    )


def _data_type(value: onnx.ValueInfoProto) -> str:
    element = value.type.tensor_type.elem_type
    if element not in _DATA_TYPES:
        raise TrainingError(f"{value.name} has a type that is not exported to Triton: {element}.")
    return _DATA_TYPES[element]


def _sizes(value: onnx.ValueInfoProto) -> list[int]:
    """Return the sizes but that of the batch, -1 where one may vary."""
    sizes = [
        d.dim_value if d.HasField("dim_value") else -1 for d in value.type.tensor_type.shape.dim
    ]
    if not sizes or sizes[0] != -1:
        raise TrainingError(f"{value.name} has no batch of any size to begin with.")
    return sizes[1:]
