"""What a finished chord model hears in a whole clip, to be told to a network that is trained.

Major or minor, seventh or plain: which chord qualities sound is much of what makes music happy
or sad, and little of what a network that learned tags hears. The chord bundle's network is taken
as it is; what it says of a window is summed up over the roots, so that the key does not matter.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from tqdm import tqdm

from service.errors import BundleError
from service.inference.bundle import Bundle
from service.inference.bundle_files import BANK_FILE, CONTEXT_BANK_FILE, CONTEXT_FILE, MODEL_FILE
from service.inference.card import ContextSpec
from service.inference.context import Context
from service.inference.network import Network
from training.data.cache import FeatureCache
from training.data.labels import CHORDS, NO_CHORD, QUALITIES, ROOTS
from training.data.preparation import prepare
from training.data.readers import LabelledClip
from training.errors import TrainingError

SPEC_FILE = "context.json"
SUMMED = (*QUALITIES, NO_CHORD)
OUTPUTS = 2 * (len(SUMMED) + 1)
"""Length of what a clip's context tells: means and deviations of the shares and the entropy."""

Array = NDArray[np.float32]

_TINY = 1e-9


@dataclass(frozen=True)
class ContextRecipe:
    """Which finished model listens, and how often.

    Attributes
    ----------
    bundle
        Folder of the model under ``models``.
    stride_frames
        Distance between its windows.
    """

    bundle: str
    stride_frames: int


def write_context(recipe: ContextRecipe, models: Path, folder: Path) -> None:
    """Make a context of a finished chord model, and keep it in a folder.

    Raises
    ------
    TrainingError
        The model is not there, or fails the service's proof.
    """
    source = models / recipe.bundle
    try:
        card = Bundle.load(source).card
    except BundleError as error:
        raise TrainingError(
            f"The model {recipe.bundle} is needed to listen to the clips' chords: {error}. Train "
            "and export it first, or name the folder of the models with --models."
        ) from error
    if tuple(card.labels) != CHORDS:
        raise TrainingError(
            f"The model {recipe.bundle} names other chords than this version knows: train it anew, "
            "or name the folder of a newer one with --models."
        )
    windows = card.windows.model_copy(update={"stride_frames": recipe.stride_frames})
    spec = ContextSpec(features=card.features, windows=windows)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(_sum_up(onnx.load(source / MODEL_FILE)), folder / CONTEXT_FILE)
    shutil.copyfile(source / BANK_FILE, folder / CONTEXT_BANK_FILE)
    (folder / SPEC_FILE).write_text(spec.model_dump_json(indent=1), "utf-8")


def load_context(folder: Path) -> Context:
    """Return what :func:`write_context` kept."""
    spec = ContextSpec.model_validate_json((folder / SPEC_FILE).read_text("utf-8"))
    bank = np.load(folder / CONTEXT_BANK_FILE, allow_pickle=False)
    return Context(spec, bank, Network.open(folder / CONTEXT_FILE))


def hear_clips(
    context: Context,
    clips: Sequence[LabelledClip],
    cache: FeatureCache,
    cluster: str | None = None,
) -> dict[str, Array]:
    """Return what is heard in each clip that can be read, by name, each of shape [outputs]."""
    spec = context.spec.features
    done = prepare(clips, spec, context.bank, cache, cluster).clips
    return {
        p.clip.source.name: context.hear(p.grid.astype(np.float32))
        for p in tqdm(done, desc="context", unit="clip")
    }


def hear_samples(context: Context, samples: Array, sample_rate_hz: int) -> Array:
    """Return what is heard in a waveform, shape [outputs]."""
    return context.hear(context.features_from(samples, sample_rate_hz))


def _sum_up(model: onnx.ModelProto) -> onnx.ModelProto:
    """Turn a network's logits of chords into shares of chord qualities, and their entropy."""
    graph = model.graph
    (logits,) = graph.output
    name = logits.name
    constants = {
        "sums": _sums(),
        "tiny": np.array(_TINY, np.float32),
        "minus": -np.ones((len(CHORDS), 1), np.float32),
    }
    graph.initializer.extend([numpy_helper.from_array(v, n) for n, v in constants.items()])
    graph.node.extend(
        [
            helper.make_node("Softmax", [name], ["chords"], axis=1),
            helper.make_node("MatMul", ["chords", "sums"], ["shares"]),
            helper.make_node("Add", ["chords", "tiny"], ["positive"]),
            helper.make_node("Log", ["positive"], ["surprise"]),
            helper.make_node("Mul", ["chords", "surprise"], ["summands"]),
            helper.make_node("MatMul", ["summands", "minus"], ["entropy"]),
            helper.make_node("Concat", ["shares", "entropy"], ["heard"], axis=1),
        ]
    )
    del graph.output[:]
    shape = ["n", len(SUMMED) + 1]
    graph.output.append(helper.make_tensor_value_info("heard", TensorProto.FLOAT, shape))
    onnx.checker.check_model(model)
    return model


def _sums() -> Array:
    """Return which chord belongs to which quality, shape [chords, qualities]."""
    of_a_root = np.tile(np.eye(len(QUALITIES), len(SUMMED), dtype=np.float32), (len(ROOTS), 1))
    no_chord = np.eye(1, len(SUMMED), len(QUALITIES), dtype=np.float32)
    return np.concatenate([of_a_root, no_chord])
