"""Load a model bundle, prove that it does what it was trained to do, and run it.

A bundle is a folder: ``card.json`` (the contract), ``model.onnx``, ``filter_bank.npy``
and ``golden.npz``, a synthetic clip with the features and logits that training got
for it. Whoever loads a bundle computes both again, so a damaged file, another
version of a library or a changed feature is found before the first request.

Where the card names an ``embedding.onnx``, the windows go through that first and what
it says of each goes to ``model.onnx``. Bundles with the same one can share its work.
"""

import hashlib
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from service.card import Card
from service.errors import BundleError
from service.features import FilterBank, Grid, compute_grid
from service.network import Network, shown
from service.windows import Windows, cut_windows

CARD_FILE = "card.json"
MODEL_FILE = "model.onnx"
BANK_FILE = "filter_bank.npy"
GOLDEN_FILE = "golden.npz"
HASHED_FILES = (MODEL_FILE, BANK_FILE, GOLDEN_FILE)
EMBEDDING_FILE = "embedding.onnx"
"""Not in every bundle; hashed too where it is."""

GOLDEN_TOLERANCE = 1e-3

Embedding = NDArray[np.float32]  # [n_windows, 1, units], a window of one frame each
Logits = NDArray[np.float32]  # [n_windows, labels]
Probabilities = NDArray[np.float64]  # [..., labels]


class Bundle:
    """A trained network with its card and filter bank, ready to answer.

    Use :meth:`load`; it verifies the hashes and the golden output.

    Parameters
    ----------
    card, bank
        The contract, and the filters of shape [bands, bins].
    network
        From windows, or from their embedding, to logits.
    embedding
        From windows to their embedding; None where the network takes the windows.
    """

    def __init__(
        self, card: Card, bank: FilterBank, network: Network, embedding: Network | None = None
    ) -> None:
        self.card = card
        self.bank = bank
        self._network = network
        self._embedding = embedding

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load and prove the bundle in a folder.

        Raises
        ------
        BundleError
            A file is missing or damaged, or the golden output is not reproduced.
        """
        card = _read_card(folder)
        _check_hashes(folder, card)
        bank = np.load(folder / BANK_FILE, allow_pickle=False)
        expected = (card.features.bands, card.features.fft_samples // 2 + 1)
        if bank.shape != expected:
            name = shown(folder / BANK_FILE)
            raise BundleError(f"{name} has shape {bank.shape}, not {expected}")
        embedding = None
        if EMBEDDING_FILE in card.sha256:
            embedding = Network.open_once(folder / EMBEDDING_FILE, card.sha256[EMBEDDING_FILE])
        bundle = cls(card, bank, Network.open(folder / MODEL_FILE), embedding)
        bundle._prove(folder / GOLDEN_FILE)
        return bundle

    def features(self, samples: NDArray[np.float32]) -> Grid:
        """Return the feature grid, shape [frames, bands], of a waveform at the card's rate."""
        return compute_grid(samples, self.card.features, self.bank)

    def window_logits(self, grid: Grid) -> Logits:
        """Return the logits for each window of a grid, shape [n_windows, labels]."""
        return self.run(cut_windows(grid, self.card.windows))

    def run(self, windows: Windows) -> Logits:
        """Return the logits for ready windows; see :func:`service.windows.cut_windows`."""
        return self.run_embedded(self.embed(windows))

    def embed(self, windows: Windows) -> Embedding:
        """Return what the embedding network says of windows; without one, the windows."""
        return windows if self._embedding is None else self._embedding.run(windows)

    def run_embedded(self, embedding: Embedding) -> Logits:
        """Return the logits for windows that went through :meth:`embed`."""
        return self._network.run(embedding)

    def probabilities(self, logits: NDArray[np.floating]) -> Probabilities:
        """Calibrate logits of shape [..., labels] to probabilities of the same shape."""
        return softmax(logits / self.card.calibration.temperature)

    def _prove(self, golden_file: Path) -> None:
        with np.load(golden_file, allow_pickle=False) as golden:
            grid = self.features(golden["samples"])
            features_off = _largest_difference(grid, golden["features"])
            logits = self._try_run(golden_file.parent, grid)
            logits_off = _largest_difference(logits, golden["logits"])
        if logits.shape[1:] != (len(self.card.labels),):
            raise BundleError(
                f"{shown(golden_file.with_name(MODEL_FILE))} answers with shape {logits.shape}, "
                f"but the card has {len(self.card.labels)} labels"
            )
        for what, off in (("features", features_off), ("logits", logits_off)):
            # Written so that a NaN fails too.
            if not off <= GOLDEN_TOLERANCE:
                raise BundleError(
                    f"{shown(golden_file)}: the golden clip's {what} differ by {off:.2g} from "
                    f"those of training, more than {GOLDEN_TOLERANCE:g}: library versions or "
                    "files do not fit the bundle"
                )

    def _try_run(self, folder: Path, grid: Grid) -> Logits:
        try:
            return self.window_logits(grid)
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise BundleError(f"the networks of {folder.name} cannot be run: {error}") from error


def softmax(logits: NDArray[np.floating]) -> Probabilities:
    """Return the softmax over the last axis, in double precision."""
    shifted = np.asarray(logits, dtype=np.float64)
    exponentials = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    probabilities: Probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _read_card(folder: Path) -> Card:
    try:
        return Card.model_validate_json((folder / CARD_FILE).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(f"{shown(folder / CARD_FILE)} does not exist") from error
    except ValidationError as error:
        raise BundleError(f"{shown(folder / CARD_FILE)} is not a valid card: {error}") from error


def _check_hashes(folder: Path, card: Card) -> None:
    has_embedding = EMBEDDING_FILE in card.sha256 or (folder / EMBEDDING_FILE).exists()
    for name in (*HASHED_FILES, EMBEDDING_FILE) if has_embedding else HASHED_FILES:
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{shown(path)} does not exist")
        if file_sha256(path) != card.sha256.get(name):
            raise BundleError(
                f"{shown(path)} is damaged: its SHA-256 is not the one in {CARD_FILE}"
            )


def _largest_difference(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.abs(a - b).max()) if a.shape == b.shape else float("inf")
