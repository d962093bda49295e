"""What every reader returns: labelled clips, each with a source that yields its grid."""

import hashlib
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from service.audio.decode import Samples, decode
from service.errors import ServiceError
from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from training.data.readers import gtzan_grid
from training.errors import TrainingError, UnreadableClip

logger = logging.getLogger(__name__)

SPLITS = ("train", "valid", "test", "faulty", "extra")
"""Those that a data set may name; see :class:`LabelledClip`."""
FILE_GROUP = "file:"
"""Begins the group of a clip whose data name none: a group of its own."""


class Source(Protocol):
    """Where a clip's features come from."""

    @property
    def name(self) -> str:
        """How the clip is called in reports."""
        ...

    def content_key(self) -> str:
        """Return a hash of the content; the same content has the same features."""
        ...

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:
        """Return the feature grid, shape [frames, bands], or raise UnreadableClip."""
        ...


@dataclass(frozen=True)
class LabelledClip:
    """One clip and what is known of it.

    Attributes
    ----------
    source
        Where its features come from.
    label
        What it is, in the words of its task.
    data_set
        The collection it belongs to; figures are reported by it.
    group
        Artist, album, player or guitar. A group is never on both sides of a split.
    split
        ``train``, ``valid``, ``test``, ``faulty`` of an official split, else ``extra``.
    """

    source: Source
    label: str
    data_set: str
    group: str
    split: str = "extra"


def known_split(path: Path, word: str) -> str:
    """Return the split that a data set names, ``extra`` where it names none.

    Raises
    ------
    TrainingError
        It is not one of those that are known: what it holds out would be learned from.
    """
    split = word.strip().lower() or "extra"
    if split not in SPLITS:
        raise TrainingError(
            f"{path} names the split {word.strip()}, which would not be held out; write one of "
            f"{', '.join(SPLITS)}, or leave it empty."
        )
    return split


def warn_of_left_out(path: Path, task: str, unknown: Mapping[str, int]) -> None:
    """Tell how many clips of a data set are left out, by the labels that the task does not know."""
    counts = ", ".join(f"{n} {label or 'without a label'}" for label, n in unknown.items())
    logger.warning("%s: left out, not of the vocabulary of %s: %s", path.name, task, counts)


@dataclass(frozen=True)
class AudioFile:
    """An audio file on disk."""

    path: Path

    @property
    def name(self) -> str:
        """Path as given."""
        return str(self.path)

    def content_key(self) -> str:
        """Return the hash of the file's bytes."""
        return hashlib.sha256(self._read()).hexdigest()

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:
        """Decode and compute with the very functions that the service uses."""
        return compute_grid(self.samples(spec.sample_rate_hz), spec, bank)

    def samples(self, sample_rate_hz: int) -> Samples:
        """Return the mono waveform at a sampling rate, or raise UnreadableClip."""
        try:
            return decode(self._read(), [sample_rate_hz]).waveforms[sample_rate_hz]
        except ServiceError as error:
            raise UnreadableClip(error.detail) from error

    def _read(self) -> bytes:
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise UnreadableClip(f"cannot be read: {error.strerror}") from error


@dataclass(frozen=True)
class StoredGrid:
    """One clip of a ``.npz`` archive of ready grids (``mel`` uint8 [clips, bands, columns])."""

    archive: Path
    index: int
    clip_name: str

    @property
    def name(self) -> str:
        """Archive and clip."""
        return f"{self.archive}:{self.clip_name}"

    def content_key(self) -> str:
        """Return the hash of the grid's numbers."""
        return hashlib.sha256(self._levels().tobytes()).hexdigest()

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:  # noqa: ARG002  # ready-made
        """Return the stored grid, if the specification is the archive's."""
        gtzan_grid.check_compatible(spec, self.name)
        return gtzan_grid.to_features(self._levels())

    def _levels(self) -> NDArray[np.uint8]:
        levels: NDArray[np.uint8] = load_levels(self.archive)[self.index]
        return levels


@dataclass(frozen=True)
class SpectrogramImage:
    """A picture of the Kaggle ``images_original`` set."""

    path: Path

    @property
    def name(self) -> str:
        """Path as given."""
        return str(self.path)

    def content_key(self) -> str:
        """Return the hash of the file's bytes."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:  # noqa: ARG002  # ready-made
        """Read the levels back from the colours."""
        gtzan_grid.check_compatible(spec, self.name)
        try:
            with Image.open(self.path) as image:
                pixels = np.asarray(image.convert("RGB"))
        except OSError as error:
            raise UnreadableClip(f"is no readable picture: {error}") from error
        return gtzan_grid.to_features(gtzan_grid.levels_from_pixels(pixels))


@lru_cache(maxsize=2)
def load_levels(path: Path) -> NDArray[np.uint8]:
    """Return the grids of an archive, shape [clips, bands, columns].

    Raises
    ------
    TrainingError
        There are none, or they are not levels of this shape.
    """
    with np.load(path, allow_pickle=False) as archive:
        if "mel" not in archive:
            raise TrainingError(f"{path} has no array 'mel'; it holds {sorted(archive)}.")
        levels: NDArray[np.uint8] = archive["mel"]
    wanted = (gtzan_grid.BANDS, gtzan_grid.COLUMNS)
    if levels.dtype != np.uint8 or levels.shape[1:] != wanted:
        raise TrainingError(
            f"{path} holds 'mel' as {levels.dtype} of the shape {levels.shape}; write levels from "
            f"0 to 255 as uint8 of the shape (clips, {wanted[0]}, {wanted[1]})."
        )
    return levels
