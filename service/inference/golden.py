"""Prove a bundle on its golden clip: what training got for it, the bundle must say again.

So a damaged file, another version of a library or a changed feature is found before the first
request.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle_files import GOLDEN_FILE, MODEL_FILE, RATINGS_FILE
from service.inference.features import Grid
from service.inference.network import Answers, shown
from service.inference.windows import CutWindows

if TYPE_CHECKING:
    from service.inference.bundle import Bundle  # which proves itself

FEATURES_TOLERANCE = 1e-4
ANSWERS_TOLERANCE = 1e-3


def prove(bundle: "Bundle", folder: Path) -> None:
    """Compute the golden clip of the folder that a bundle was loaded from again, and compare.

    The networks are asked about the features of training, not about those that were computed
    here: these may differ in their last bit from one processor to the next, which a network of
    whole numbers turns into some thousandths of its answers (training/notes/listener.md). So
    either part is held to what it can keep.

    Raises
    ------
    BundleError
        Something differs, or the networks cannot be run.
    """
    card, file = bundle.card, folder / GOLDEN_FILE
    with np.load(file, allow_pickle=False) as stored:
        golden = dict(stored)
    grids = _grids(bundle, golden["samples"])
    _compare(grids, golden, FEATURES_TOLERANCE, file)
    answers = _answers(bundle, {what: golden[what] for what in grids}, folder.name)
    _check_width(folder / MODEL_FILE, answers["logits"], len(card.labels), "labels")
    if card.ratings:
        _check_width(folder / RATINGS_FILE, answers["ratings"], len(card.ratings), "ratings")
    _compare(answers, golden, ANSWERS_TOLERANCE, file)


def _grids(bundle: "Bundle", samples: NDArray[np.float32]) -> dict[str, Grid]:
    grids = {"features": bundle.features(samples)}
    if bundle.context is not None:
        rate_hz = bundle.card.features.sample_rate_hz
        grids["context_features"] = bundle.context.features_from(samples, rate_hz)
    return grids


def _answers(bundle: "Bundle", grids: dict[str, Grid], name: str) -> dict[str, Answers]:
    try:
        embedding = bundle.embed(CutWindows(grids["features"], bundle.card.windows))
        told = bundle.told(embedding, grids.get("context_features"))
        answers = {"logits": bundle.run_embedded(told)}
        if bundle.card.ratings:
            answers["ratings"] = bundle.rate_embedded(embedding)
    except Exception as error:  # onnxruntime has no common base class for its errors
        raise BundleError(f"the networks of {name} cannot be run: {error}") from error
    return answers


def _compare(
    found: Mapping[str, NDArray[np.floating]],
    golden: Mapping[str, NDArray[np.floating]],
    tolerance: float,
    file: Path,
) -> None:
    for what, values in found.items():
        difference = _largest_difference(values, golden[what])
        # Written so that a NaN fails too.
        if not difference <= tolerance:
            raise BundleError(
                f"{shown(file)}: the golden clip's {what} differ by {difference:.2g} from those of "
                f"training, more than {tolerance:g}: library versions or files do not fit the "
                "bundle"
            )


def _check_width(file: Path, answers: Answers, count: int, what: str) -> None:
    if answers.shape[1:] != (count,):
        raise BundleError(
            f"{shown(file)} answers with shape {answers.shape}, but the card has {count} {what}"
        )


def _largest_difference(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.abs(a - b).max()) if a.shape == b.shape else float("inf")
