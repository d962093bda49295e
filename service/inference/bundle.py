"""Load a model bundle, prove that it does what it was trained to do, and run it.

What its folder holds is told in :mod:`service.inference.bundle_files`, how it is proven in
:mod:`service.inference.golden`.
"""

from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from service.errors import BundleError
from service.inference.bands import BandMeter
from service.inference.bundle_files import (
    BANK_FILE,
    CARD_FILE,
    CONTEXT_BANK_FILE,
    CONTEXT_FILE,
    EMBEDDING_FILE,
    MODEL_FILE,
    RATINGS_FILE,
    SONGS_FILE,
    check_hashes,
    load_bank,
    read_card,
)
from service.inference.card import Calibration, Card, ContextSpec
from service.inference.context import Context, append_context
from service.inference.features import FilterBank, Grid, compute_grid
from service.inference.golden import prove
from service.inference.network import Network, shown
from service.inference.softmax import Probabilities, softmax
from service.inference.songs import SongSense
from service.inference.tuning import bring_in_tune
from service.inference.windows import CutWindows, Slices

# [n_windows, 1, units], a window of one frame each; with what a context heard, more units.
Embedding = NDArray[np.float32]
Logits = NDArray[np.float32]  # [n_windows, labels]
Ratings = NDArray[np.float32]  # [n_windows, ratings]

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
        check_hashes(folder, card)
        bank = load_bank(folder / BANK_FILE, card.features)
        embedding = None
        if _embeds(card):
            embedding = Network.open_once(folder / EMBEDDING_FILE, card.sha256[EMBEDDING_FILE])
        ratings = Network.open(folder / RATINGS_FILE) if card.ratings else None
        context = _load_context(folder, card, card.context) if card.context else None
        network = Network.open(folder / MODEL_FILE)
        bundle = cls(card, bank, network, embedding, ratings, context, _load_songs(folder, card))
        prove(bundle, folder)
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


def _embeds(card: Card) -> bool:
    return EMBEDDING_FILE in card.sha256


def _load_songs(folder: Path, card: Card) -> SongSense | None:
    if card.timeline is None or card.timeline.songs is None:
        return None
    return SongSense.load(folder / SONGS_FILE, card.timeline.songs, len(card.labels))


def _load_context(folder: Path, card: Card, spec: ContextSpec) -> Context:
    if not _embeds(card):
        raise BundleError(
            f"{shown(folder / CARD_FILE)} has a context but no {EMBEDDING_FILE}: windows of "
            "features have no place for what the context hears"
        )
    bank = load_bank(folder / CONTEXT_BANK_FILE, spec.features)
    return Context(spec, bank, Network.open(folder / CONTEXT_FILE))
