"""Load a model bundle, prove that it does what it was trained to do, and run it.

A bundle is a folder: ``card.json`` (the contract), ``model.onnx``, ``filter_bank.npy``
and ``golden.npz``, a synthetic clip with the features and logits that training got
for it. Whoever loads a bundle computes both again, so a damaged file, another
version of a library or a changed feature is found before the first request.
"""

import hashlib
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray
from pydantic import ValidationError

from service.card import Card
from service.errors import BundleError
from service.features import FilterBank, Grid, compute_grid
from service.windows import Windows, cut_windows

CARD_FILE = "card.json"
MODEL_FILE = "model.onnx"
BANK_FILE = "filter_bank.npy"
GOLDEN_FILE = "golden.npz"
HASHED_FILES = (MODEL_FILE, BANK_FILE, GOLDEN_FILE)

GOLDEN_TOLERANCE = 1e-3
# More windows than this at once gain no speed and cost memory on hour-long clips.
BATCH_WINDOWS = 32

Logits = NDArray[np.float32]  # [n_windows, labels]
Probabilities = NDArray[np.float64]  # [..., labels]


class Bundle:
    """A trained network with its card and filter bank, ready to answer.

    Use :meth:`load`; it verifies the hashes and the golden output.
    """

    def __init__(self, card: Card, bank: FilterBank, session: ort.InferenceSession) -> None:
        self.card = card
        self.bank = bank
        self._session = session
        self._input_name = session.get_inputs()[0].name

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
            name = _shown(folder / BANK_FILE)
            raise BundleError(f"{name} has shape {bank.shape}, not {expected}")
        bundle = cls(card, bank, open_session(folder / MODEL_FILE))
        bundle._prove(folder / GOLDEN_FILE)
        return bundle

    def features(self, samples: NDArray[np.float32]) -> Grid:
        """Return the feature grid, shape [frames, bands], of a waveform at the card's rate."""
        return compute_grid(samples, self.card.features, self.bank)

    def window_logits(self, grid: Grid) -> Logits:
        """Return the network's logits for each window of a grid, shape [n_windows, labels]."""
        return self.run(cut_windows(grid, self.card.windows))

    def run(self, windows: Windows) -> Logits:
        """Run the network on ready windows; see :func:`service.windows.cut_windows`."""
        batches = [
            self._session.run(None, {self._input_name: windows[i : i + BATCH_WINDOWS]})[0]
            for i in range(0, len(windows), BATCH_WINDOWS)
        ]
        logits: Logits = np.concatenate(batches)
        return logits

    def probabilities(self, logits: NDArray[np.floating]) -> Probabilities:
        """Calibrate logits of shape [..., labels] to probabilities of the same shape."""
        return softmax(logits / self.card.calibration.temperature)

    def _prove(self, golden_file: Path) -> None:
        with np.load(golden_file, allow_pickle=False) as golden:
            grid = self.features(golden["samples"])
            features_off = _largest_difference(grid, golden["features"])
            logits = self.window_logits(grid)
            logits_off = _largest_difference(logits, golden["logits"])
        if logits.shape[1:] != (len(self.card.labels),):
            raise BundleError(
                f"{_shown(golden_file.with_name(MODEL_FILE))} answers with shape {logits.shape}, "
                f"but the card has {len(self.card.labels)} labels"
            )
        for what, off in (("features", features_off), ("logits", logits_off)):
            # Written so that a NaN fails too.
            if not off <= GOLDEN_TOLERANCE:
                raise BundleError(
                    f"{_shown(golden_file)}: the golden clip's {what} differ by {off:.2g} from "
                    f"those of training, more than {GOLDEN_TOLERANCE:g}: library versions or "
                    "files do not fit the bundle"
                )


def softmax(logits: NDArray[np.floating]) -> Probabilities:
    """Return the softmax over the last axis, in double precision."""
    shifted = np.asarray(logits, dtype=np.float64)
    exponentials = np.exp(shifted - shifted.max(axis=-1, keepdims=True))
    probabilities: Probabilities = exponentials / exponentials.sum(axis=-1, keepdims=True)
    return probabilities


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _shown(path: Path) -> str:
    """Name a file without the way to it: what fails is told to everybody who asks."""
    return f"{path.parent.name}/{path.name}"


def _read_card(folder: Path) -> Card:
    try:
        return Card.model_validate_json((folder / CARD_FILE).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(f"{_shown(folder / CARD_FILE)} does not exist") from error
    except ValidationError as error:
        raise BundleError(f"{_shown(folder / CARD_FILE)} is not a valid card: {error}") from error


def _check_hashes(folder: Path, card: Card) -> None:
    for name in HASHED_FILES:
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{_shown(path)} does not exist")
        if file_sha256(path) != card.sha256.get(name):
            raise BundleError(
                f"{_shown(path)} is damaged: its SHA-256 is not the one in {CARD_FILE}"
            )


def open_session(model_file: Path) -> ort.InferenceSession:
    """Open a network for one thread.

    Raises
    ------
    BundleError
        onnxruntime cannot load the file.
    """
    options = ort.SessionOptions()
    # Requests run side by side; more threads inside one of them only fight for cores.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return ort.InferenceSession(model_file, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has no common base class for its errors
        reason = str(error).replace(str(model_file), _shown(model_file))
        raise BundleError(f"{_shown(model_file)} cannot be loaded: {reason}") from error


def _largest_difference(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.abs(a - b).max()) if a.shape == b.shape else float("inf")
