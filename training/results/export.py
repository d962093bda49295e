"""Write a finished run as a bundle, and refuse one that does not do what Keras did."""

import logging
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bundle import Bundle
from service.inference.bundle_files import (
    BANK_FILE,
    CARD_FILE,
    CONTEXT_BANK_FILE,
    CONTEXT_FILE,
    EMBEDDING_FILE,
    GOLDEN_FILE,
    MODEL_FILE,
    RATINGS_FILE,
    SONGS_FILE,
)
from service.inference.card import Calibration, Evaluation
from service.inference.context import Context, append_context
from service.inference.features import compute_grid
from service.inference.windows import cut_windows
from training.data.filter_banks import make_bank
from training.errors import TrainingError
from training.fitting.embedding import taken_apart
from training.fitting.run_folder import RunFolder
from training.networks.architectures import serving_network
from training.recipes import Recipe
from training.results.bundle_card import make_card
from training.results.conversion import compare, convert, says_the_same
from training.results.exchange import put_in_place
from training.results.figures import calibrate, evaluations
from training.results.halves import round_to_halves
from training.synthesis.sounds import render_golden_clip

logger = logging.getLogger(__name__)

# Of an embedding's values, which reach beyond 20; the logits that follow must be as near as all.
LARGEST_EMBEDDING_DIFFERENCE = 1e-3
GOLDEN_DURATION_S = 2.5


def export(
    recipe: Recipe,
    run: RunFolder,
    models: Path,
    beside: Callable[[Path], None] = lambda _: None,
) -> Path:
    """Write a bundle with network, filter bank, golden clip and card; return its folder.

    Parameters
    ----------
    recipe
        What was trained.
    run
        Where it was trained.
    models
        Folder of all bundles.
    beside
        Writes further files into the new bundle's folder before it takes its place.

    Raises
    ------
    TrainingError
        The run is not finished, or the exported network differs from Keras.
    """
    if recipe.serving.bundle is None:
        raise TrainingError(
            f"The recipe {recipe.name} is for comparison; the service cannot compute its features."
        )
    folder = models / recipe.serving.bundle
    calibration = calibrate(run)
    figures = evaluations(recipe, run, calibration)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".export-") as name:
        draft = Path(name) / folder.name
        others = [file for file in models.glob(f"*/{EMBEDDING_FILE}") if file.parent != folder]
        write_bundle(recipe, run, run.network(), draft, calibration, figures, sorted(others))
        beside(draft)
        # Only a proved bundle takes the place of the old one; a variant in a folder of it stays.
        for variant in folder.glob("*/"):
            shutil.copytree(variant, draft / variant.name)
        if (folder / SONGS_FILE).exists():
            logger.warning(
                "%s belonged to the network that is replaced; learn-songs learns it again",
                folder / SONGS_FILE,
            )
        put_in_place(draft, folder)
    return folder


def write_bundle(
    recipe: Recipe,
    run: RunFolder,
    network: keras.Model,
    folder: Path,
    calibration: Calibration,
    figures: Sequence[Evaluation],
    others: Sequence[Path] = (),
) -> Bundle:
    """Write a network of a run as a bundle into a new folder; return it as the service sees it.

    Parameters
    ----------
    recipe, run
        What was trained, and where.
    network
        The run's final network, or that of a fold, to be measured as it would serve.
    folder
        Where the bundle goes.
    calibration, figures
        For the card.
    others
        Embedding networks of other bundles, to be shared where they say the same.

    Raises
    ------
    TrainingError
        The exported network differs from Keras.
    """
    windows, contexts, context = run.real_windows(), run.real_contexts(), run.context()
    folder.mkdir(parents=True)
    backbone, head = taken_apart(network)
    heard = windows
    if backbone is not None:
        round_to_halves(head)
        _write_embedding(backbone, folder / EMBEDDING_FILE, windows, others)
        heard = np.asarray(backbone(windows, training=False))
    head_inputs = append_context(heard, contexts[:, np.newaxis])
    convert(serving_network(head), folder / MODEL_FILE, head_inputs)
    if run.ratings():
        convert(run.ratings_network(), folder / RATINGS_FILE, heard)
    if context is not None:
        for name in (CONTEXT_FILE, CONTEXT_BANK_FILE):
            shutil.copyfile(run.context_folder / name, folder / name)
    bank = make_bank(recipe.inputs.features)
    np.save(folder / BANK_FILE, bank)
    _write_golden(recipe, run, context, bank, network, folder / GOLDEN_FILE)
    parameters = serving_network(network).count_params()
    card = make_card(recipe, run, context, parameters, folder, calibration, figures)
    (folder / CARD_FILE).write_text(card.model_dump_json(indent=1) + "\n", "utf-8")
    try:
        bundle = Bundle.load(folder)
    except BundleError as error:
        raise TrainingError(f"The new bundle fails the service's own proof: {error}") from error
    answers = bundle.run_embedded(append_context(bundle.embed(windows), contexts[:, np.newaxis]))
    compare("the bundle", answers, serving_network(network), _inputs(windows, contexts))
    return bundle


def _inputs(windows: NDArray[np.float32], contexts: NDArray[np.float32]) -> Any:
    """Return what a network is asked, which takes contexts only if there are any."""
    return [windows, contexts] if contexts.shape[1] else windows


def _write_embedding(
    backbone: keras.Model, file: Path, windows: NDArray[np.float32], others: Sequence[Path]
) -> None:
    """Convert a backbone, or take the file of another bundle that was converted from the same.

    The service runs a file that bundles share once for all of them. Another processor rounds
    the numbers in it in another way, so converting the same network there gives another file.
    """
    for other in others:
        if says_the_same(other, backbone, windows, LARGEST_EMBEDDING_DIFFERENCE):
            shutil.copyfile(other, file)
            logger.info("shares %s with %s", file.name, other.parent.name)
            return
    convert(backbone, file, windows, LARGEST_EMBEDDING_DIFFERENCE)


def _write_golden(
    recipe: Recipe,
    run: RunFolder,
    context: Context | None,
    bank: NDArray[np.float32],
    network: keras.Model,
    file: Path,
) -> None:
    samples = render_golden_clip(GOLDEN_DURATION_S, recipe.inputs.features.sample_rate_hz)
    grid = compute_grid(samples, recipe.inputs.features, bank)
    windows, contexts = cut_windows(grid, recipe.inputs.windows), np.zeros((1, 0), np.float32)
    answers: dict[str, Any] = {}
    if context is not None:
        context_grid = context.features_from(samples, recipe.inputs.features.sample_rate_hz)
        answers["context_features"] = context_grid
        contexts = context.hear(context_grid)[np.newaxis]
    inputs = _inputs(windows, np.repeat(contexts, len(windows), axis=0))
    answers["logits"] = np.asarray(serving_network(network)(inputs, training=False))
    backbone, _ = taken_apart(network)
    if run.ratings() and backbone is not None:
        heard = backbone(windows, training=False)
        answers["ratings"] = np.asarray(run.ratings_network()(heard, training=False))
    np.savez_compressed(file, samples=samples, features=grid, **answers)
