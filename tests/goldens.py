"""Write and read the golden clips of tiny bundles."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from service.audio.decode import clip_of
from service.inference.bundle_files import (
    CONTEXT_BANK_FILE,
    CONTEXT_FILE,
    EMBEDDING_FILE,
    GOLDEN_FILE,
    MODEL_FILE,
    RATINGS_FILE,
)
from service.inference.card import ContextSpec
from service.inference.features import FeatureSpec, FilterBank, compute_grid
from service.inference.windows import WindowSpec, cut_windows
from tests.audio import noise, tone


def write_golden(
    folder: Path,
    features: FeatureSpec,
    windows: WindowSpec,
    bank: FilterBank,
    context: ContextSpec | None = None,
) -> None:
    """Write the golden clip of the networks that lie in the folder."""
    samples = golden_samples(features.sample_rate_hz)
    arrays = {"samples": samples, "features": compute_grid(samples, features, bank)}
    heard = cut_windows(arrays["features"], windows)
    if (folder / EMBEDDING_FILE).exists():
        heard = _run(folder / EMBEDDING_FILE, heard)
    told = heard
    if context is not None:
        rate_hz = context.features.sample_rate_hz
        there = clip_of(samples, features.sample_rate_hz, [rate_hz]).waveforms[rate_hz]
        context_bank = np.load(folder / CONTEXT_BANK_FILE)
        arrays["context_features"] = compute_grid(there, context.features, context_bank)
        context_windows = cut_windows(arrays["context_features"], context.windows)
        said = _run(folder / CONTEXT_FILE, context_windows)
        context_heard = np.concatenate([said.mean(axis=0), said.std(axis=0)])
        told = np.stack([[[*unit, *context_heard]] for (unit,) in heard]).astype(np.float32)
    save_golden(folder, arrays | _answers(folder, heard, told))


def save_golden(folder: Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write the arrays of a golden clip."""
    with (folder / GOLDEN_FILE).open("wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_golden(folder: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a golden clip."""
    with np.load(folder / GOLDEN_FILE) as golden:
        return dict(golden)


def golden_samples(sample_rate_hz: int) -> NDArray[np.float32]:
    """Return one second with a tone and some noise."""
    pure = tone(440, 1.0, rate_hz=sample_rate_hz, amplitude=0.4)
    return pure + noise(1.0, rate_hz=sample_rate_hz, amplitude=0.01)


def _answers(
    folder: Path, heard: NDArray[np.float32], told: NDArray[np.float32]
) -> dict[str, NDArray[np.float32]]:
    answers = {"logits": _run(folder / MODEL_FILE, told)}
    if (folder / RATINGS_FILE).exists():
        answers["ratings"] = _run(folder / RATINGS_FILE, heard)
    return answers


def _run(file: Path, windows: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    answers: NDArray[np.float32] = session.run(None, {"window": windows})[0]
    return answers
