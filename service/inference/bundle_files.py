"""The files of a bundle: their names, their hashes, and the card that vouches for them.

A bundle is a folder: ``card.json`` (the contract), ``model.onnx``, ``filter_bank.npy``
and ``golden.npz``, a synthetic clip with the features and logits that training got
for it.

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

import numpy as np
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from service.errors import BundleError
from service.inference.card import Card
from service.inference.features import FeatureSpec, FilterBank
from service.inference.network import shown
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


def check_hashes(folder: Path, card: Card) -> None:
    """Refuse a folder where a file is missing or is not the one that the card vouches for."""
    needed = {
        *card.sha256,
        *(CONTEXT_FILES if card.context else ()),
        *((SONGS_FILE,) if card.timeline and card.timeline.songs else ()),
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


def load_bank(file: Path, spec: FeatureSpec) -> FilterBank:
    """Return the filters for features, shape [bands, bins]."""
    bank: FilterBank = np.load(file, allow_pickle=False)
    expected = (spec.bands, spec.fft_samples // 2 + 1)
    if bank.shape != expected:
        raise BundleError(f"{shown(file)} has shape {bank.shape}, not {expected}")
    return bank
