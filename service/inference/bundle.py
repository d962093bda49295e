"""Load a model bundle, prove that it does what it was trained to do, and run it.

A bundle is a folder: ``card.json`` (the contract), ``model.onnx``, ``filter_bank.npy``
and ``golden.npz``, a synthetic clip with the features and logits that training got
for it. Whoever loads a bundle computes both again, so a damaged file, another
version of a library or a changed feature is found before the first request.

Where the card names an ``embedding.onnx``, the windows go through that first and what
it says of each goes to ``model.onnx``. Bundles with the same one can share its work.
Where the card names a ``ratings.onnx``, that is given the same embedding.

Where the card has a context, ``context.onnx`` hears the whole clip, in features of its own
that ``context_bank.npy`` makes. Means and standard deviations of its answers are appended to the
embedding of each window for ``model.onnx``.

Where the card's timeline hears songs, ``songs.npz`` holds the numbers for it.
"""

import hashlib
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.errors import BundleError
from service.inference.bands import BandMeter
from service.inference.card import Calibration, Card, ContextSpec
from service.inference.context import Context, append_context
from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from service.inference.network import Answers, Network, shown
from service.inference.softmax import softmax
from service.inference.songs import SongSense
from service.inference.tuning import bring_in_tune
from service.inference.windows import CutWindows, Slices
from service.wording import in_words

CARD_FILE = "card.json"
MODEL_FILE = "model.onnx"
BANK_FILE = "filter_bank.npy"
GOLDEN_FILE = "golden.npz"
HASHED_FILES = (MODEL_FILE, BANK_FILE, GOLDEN_FILE)
EMBEDDING_FILE = "embedding.onnx"
RATINGS_FILE = "ratings.onnx"
CONTEXT_FILE = "context.onnx"
CONTEXT_BANK_FILE = "context_bank.npy"
CONTEXT_FILES = (CONTEXT_FILE, CONTEXT_BANK_FILE)
SONGS_FILE = "songs.npz"
OPTIONAL_FILES = (EMBEDDING_FILE, RATINGS_FILE, *CONTEXT_FILES, SONGS_FILE)
"""Not in every bundle; hashed too where they are."""

GOLDEN_TOLERANCE = 1e-3

# [n_windows, 1, units], a window of one frame each; with what a context heard, more units.
Embedding = NDArray[np.float32]
Logits = NDArray[np.float32]  # [n_windows, labels]
Ratings = NDArray[np.float32]  # [n_windows, ratings]
Probabilities = NDArray[np.float64]  # [..., labels]

SomeSlices = TypeVar("SomeSlices", bound=Slices)


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
    ratings
        From windows, or from their embedding, to the card's ratings; None where it has none.
    context
        What hears the whole clip, for the embedding of each window; None where the card has none.
    songs
        What makes sense of the windows of a song; None where the card has no such thing.
    """

    def __init__(
        self,
        card: Card,
        bank: FilterBank,
        network: Network,
        embedding: Network | None = None,
        ratings: Network | None = None,
        context: Context | None = None,
        songs: SongSense | None = None,
    ) -> None:
        self.card = card
        self.bank = bank
        self.meter = BandMeter(card.features, bank)
        self.context = context
        self.songs = songs
        self._network = network
        self._embedding = embedding
        self._ratings = ratings

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Load and prove the bundle in a folder.

        Raises
        ------
        BundleError
            A file is missing or damaged, or the golden output is not reproduced.
        """
        card = read_card(folder)
        _check_hashes(folder, card)
        bank = _load_bank(folder / BANK_FILE, card.features)
        embedding = None
        if _embeds(card):
            embedding = Network.open_once(folder / EMBEDDING_FILE, card.sha256[EMBEDDING_FILE])
        ratings = Network.open(folder / RATINGS_FILE) if card.ratings else None
        context = _load_context(folder, card, card.context) if card.context else None
        network = Network.open(folder / MODEL_FILE)
        bundle = cls(card, bank, network, embedding, ratings, context, _load_songs(folder, card))
        bundle._prove(folder / GOLDEN_FILE)
        return bundle

    def features(self, samples: NDArray[np.float32]) -> Grid:
        """Return the feature grid, shape [frames, bands], of a waveform at the card's rate."""
        return compute_grid(samples, self.card.features, self.bank)

    def in_tune(self, grid: Grid) -> Grid:
        """Return a clip's features moved back into tune, where the card asks for it.

        Without need it is the same grid, not a copy.
        """
        timeline = self.card.timeline
        beyond_cents = None if timeline is None else timeline.retune_beyond_cents
        return bring_in_tune(grid, self.card.features, beyond_cents)

    def window_logits(self, grid: Grid, context_grid: Grid | None = None) -> Logits:
        """Return the logits for each window of a grid, shape [n_windows, labels].

        The second grid is that of the context, for a bundle with one.
        """
        return self.run(CutWindows(grid, self.card.windows), context_grid)

    def run(self, windows: Slices, context_grid: Grid | None = None) -> Logits:
        """Return the logits for windows."""
        return self.run_embedded(self.told(self.embed(windows), context_grid))

    def embed(self, windows: SomeSlices) -> SomeSlices | Embedding:
        """Return what the embedding network says of windows; without one, the windows."""
        return windows if self._embedding is None else self._embedding.run(windows)

    def told(self, embedding: SomeSlices, context_grid: Grid | None) -> SomeSlices | Embedding:
        """Append what the context hears in the clip to the embedding of each window.

        Parameters
        ----------
        embedding
            What :meth:`embed` returned, shape [n_windows, 1, units].
        context_grid
            What :meth:`Context.features` returned for the same clip.

        Returns
        -------
        Embedding
            Shape [n_windows, 1, units + 2 * outputs]; without a context, the embedding as it is.

        Raises
        ------
        ValueError
            The bundle has a context, but there is no grid for it.
        """
        if self.context is None:
            return embedding
        if context_grid is None:
            raise ValueError(f"the bundle {self.card.task} needs the grid of its context")
        return append_context(embedding[:], self.context.hear(context_grid))

    def run_embedded(self, embedding: Slices) -> Logits:
        """Return the logits for windows that went through :meth:`embed` and :meth:`told`."""
        return self._network.run(embedding)

    def kinds_embedded(self, embedding: Slices) -> Probabilities:
        """Return how much of what went through :meth:`embed` is of each of the card's kinds.

        Returns
        -------
        Probabilities
            Mean over the windows, shape [kinds]; empty for a card without kinds.
        """
        if self.card.kinds is None:
            return np.zeros(0)
        logits = embedding[:][..., -len(self.card.kinds.labels) :]
        share: Probabilities = softmax(logits).reshape(-1, logits.shape[-1]).mean(axis=0)
        return share

    def rate_embedded(self, embedding: Slices) -> Ratings:
        """Return the card's ratings for windows that went through :meth:`embed`.

        Returns
        -------
        Ratings
            Shape [n_windows, ratings]; some may lie beyond the ends of the scale, 0 and 1.
        """
        if self._ratings is None:
            return np.zeros((len(embedding), 0), np.float32)
        return self._ratings.run(embedding)

    def probabilities(
        self, logits: NDArray[np.floating], heard_s: float | None = None
    ) -> Probabilities:
        """Calibrate logits to probabilities.

        Parameters
        ----------
        logits
            Shape [..., labels].
        heard_s
            How much sound they are about: of little, the bundle is less sure. None for a whole
            clip of unknown length.

        Returns
        -------
        Probabilities
            Of the same shape.
        """
        return calibrated(logits, self.card.calibration, heard_s)

    def _prove(self, golden_file: Path) -> None:
        with np.load(golden_file, allow_pickle=False) as golden:
            grids = self._grids(golden["samples"])
            found = grids | self._try_run(golden_file.parent, grids)
            off = {what: _largest_difference(found[what], golden[what]) for what in found}
        folder, card = golden_file.parent, self.card
        _check_width(folder / MODEL_FILE, found["logits"], len(card.labels), "labels")
        if self._ratings is not None:
            _check_width(folder / RATINGS_FILE, found["ratings"], len(card.ratings), "ratings")
        for what, difference in off.items():
            # Written so that a NaN fails too.
            if not difference <= GOLDEN_TOLERANCE:
                raise BundleError(
                    f"{shown(golden_file)}: the golden clip's {what} differ by {difference:.2g} "
                    f"from those of training, more than {GOLDEN_TOLERANCE:g}: library versions or "
                    "files do not fit the bundle"
                )

    def _grids(self, samples: NDArray[np.float32]) -> dict[str, Grid]:
        grids = {"features": self.features(samples)}
        if self.context is not None:
            rate_hz = self.card.features.sample_rate_hz
            grids["context_features"] = self.context.features_from(samples, rate_hz)
        return grids

    def _try_run(self, folder: Path, grids: dict[str, Grid]) -> dict[str, Answers]:
        try:
            embedding = self.embed(CutWindows(grids["features"], self.card.windows))
            told = self.told(embedding, grids.get("context_features"))
            answers = {"logits": self.run_embedded(told)}
            if self._ratings is not None:
                answers["ratings"] = self.rate_embedded(embedding)
        except Exception as error:  # onnxruntime has no common base class for its errors
            raise BundleError(f"the networks of {folder.name} cannot be run: {error}") from error
        return answers


def calibrated(
    logits: NDArray[np.floating], calibration: Calibration, heard_s: float | None
) -> Probabilities:
    """Return the probabilities of :meth:`Bundle.probabilities`."""
    temperature, weight = calibration.at(heard_s)
    probabilities = softmax(logits / temperature)
    if weight < 1:
        shares = np.array(calibration.label_shares)
        probabilities = weight * probabilities + (1 - weight) * shares / shares.sum()
    return probabilities


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_card(folder: Path) -> Card:
    """Read the card of the bundle in a folder, without proving anything.

    Raises
    ------
    BundleError
        There is none, or it is not valid.
    """
    try:
        return Card.model_validate_json((folder / CARD_FILE).read_bytes())
    except FileNotFoundError as error:
        raise BundleError(f"{shown(folder / CARD_FILE)} does not exist") from error
    except ValidationError as error:
        faults = "; ".join(_fault(found) for found in error.errors(include_url=False))
        raise BundleError(f"{shown(folder / CARD_FILE)} is not a valid card: {faults}") from error


def _fault(found: ErrorDetails) -> str:
    where = ".".join(str(name) for name in found["loc"])
    return f"{where} {in_words(found)}" if where else f"it {in_words(found)}"


def _check_hashes(folder: Path, card: Card) -> None:
    needed = {
        *card.sha256,
        *(CONTEXT_FILES if card.context else ()),
        *((SONGS_FILE,) if _hears_songs(card) else ()),
    }
    also = [n for n in OPTIONAL_FILES if n in needed or (folder / n).exists()]
    for name in (*HASHED_FILES, *also):
        path = folder / name
        if not path.is_file():
            raise BundleError(f"{shown(path)} does not exist")
        if file_sha256(path) != card.sha256.get(name):
            raise BundleError(
                f"{shown(path)} is damaged: its SHA-256 is not the one in {CARD_FILE}"
            )


def _embeds(card: Card) -> bool:
    return EMBEDDING_FILE in card.sha256


def _hears_songs(card: Card) -> bool:
    return card.timeline is not None and card.timeline.songs is not None


def _load_songs(folder: Path, card: Card) -> SongSense | None:
    if card.timeline is None or card.timeline.songs is None:
        return None
    return SongSense.load(folder / SONGS_FILE, card.timeline.songs, len(card.labels))


def _load_bank(file: Path, spec: FeatureSpec) -> FilterBank:
    bank: FilterBank = np.load(file, allow_pickle=False)
    expected = (spec.bands, spec.fft_samples // 2 + 1)
    if bank.shape != expected:
        raise BundleError(f"{shown(file)} has shape {bank.shape}, not {expected}")
    return bank


def _load_context(folder: Path, card: Card, spec: ContextSpec) -> Context:
    if not _embeds(card):
        raise BundleError(
            f"{shown(folder / CARD_FILE)} has a context but no {EMBEDDING_FILE}: windows of "
            "features have no place for what the context hears"
        )
    bank = _load_bank(folder / CONTEXT_BANK_FILE, spec.features)
    return Context(spec, bank, Network.open(folder / CONTEXT_FILE))


def _check_width(file: Path, answers: Answers, count: int, what: str) -> None:
    if answers.shape[1:] != (count,):
        raise BundleError(
            f"{shown(file)} answers with shape {answers.shape}, but the card has {count} {what}"
        )


def _largest_difference(a: NDArray[np.floating], b: NDArray[np.floating]) -> float:
    return float(np.abs(a - b).max()) if a.shape == b.shape else float("inf")
