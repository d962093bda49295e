"""Reader for the hand-crafted features of the Kaggle GTZAN set, per 30 s or per 3 s.

``features_30_sec.csv`` has one row a clip (``blues.00000.wav``), ``features_3_sec.csv``
one for each of its tenths (``blues.00000.0.wav``); the tenths of a clip are one group. Clips that
are not of GTZAN, such as those of ``prepare --format csv``, are read as well.
"""

import csv
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from service.inference.features import FeatureSpec, FilterBank, Grid
from training.data.labels import canonical_label
from training.data.readers.clips import FILE_GROUP, LabelledClip
from training.data.readers.folders import gtzan_split
from training.data.readers.manifest import rows
from training.errors import TrainingError, UnreadableClip

NAME = "statistics"
OF_AUDIO = "handcrafted"
NOT_FEATURES = ("filename", "length", "label")
N_FEATURES = 57
_GTZAN_ROW = re.compile(r"^([a-z]+\.\d{5})(\.\d+)?(\.wav)?$")
_TENTH = re.compile(r"\.\d$")

# The fields of a spectrogram do not apply; what the numbers are stands in the CSV's header.
SPEC = FeatureSpec(
    name=NAME,
    sample_rate_hz=22_050,
    fft_samples=2_048,
    hop_samples=512,
    bands=N_FEATURES,
    spectrum="power",
    range_db=80.0,
)


@dataclass(frozen=True)
class StatisticsRow:
    """One row of numbers; as a grid it is a single frame."""

    file: Path
    row_name: str
    values: tuple[float, ...]

    @property
    def name(self) -> str:
        """File and row."""
        return f"{self.file}:{self.row_name}"

    def content_key(self) -> str:
        """Return the hash of the numbers."""
        return hashlib.sha256(repr(self.values).encode()).hexdigest()

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:  # noqa: ARG002  # ready-made
        """Return the numbers, shape [1, 57], compressed by :func:`compress`."""
        if spec.name != NAME:
            raise TrainingError(
                f"{self.name} holds hand-crafted statistics, but the model wants {spec.name} "
                "features. Use the recipe genre_statistics, or give audio files."
            )
        if len(self.values) != N_FEATURES or not np.isfinite(self.values).all():
            raise UnreadableClip(f"does not hold {N_FEATURES} finite numbers")
        return compress(np.array([self.values]))


def compress(values: NDArray[np.float64]) -> Grid:
    """Return sign(x) log(1 + |x|): variances reach millions, means of a waveform 1e-5.

    The network's first layer brings all to one scale.
    """
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)), dtype=np.float32)


def is_statistics(path: Path) -> bool:
    """Tell whether a CSV looks like hand-crafted features rather than a list of files."""
    with path.open(newline="", encoding="utf-8-sig", errors="replace") as file:
        header = next(csv.reader(file), [])
    return {"filename", "label", "chroma_stft_mean"} <= set(header)


def read_statistics(path: Path) -> list[LabelledClip]:
    """Read ``features_30_sec.csv`` or ``features_3_sec.csv``.

    Clips of GTZAN have the fault-filtered splits; of others, the pieces of one file are a group.
    """
    clips = []
    for row in rows(path, ("filename", "label")):
        name = row["filename"]
        genre = canonical_label("genre", row["label"])
        if genre is None:
            continue
        source = StatisticsRow(path, name, tuple(_numbers(row)))
        match = _GTZAN_ROW.match(name)
        if match is not None:
            data_set, group, split = "gtzan", f"gtzan:{match[1]}", gtzan_split(match[1])
        else:
            # Tables have no folders: files of two labels may be called alike.
            whole = _TENTH.sub("", Path(name).stem)
            data_set, group = path.resolve().parent.name, f"{FILE_GROUP}{genre}/{whole}"
            split = "extra"
        clips.append(LabelledClip(source, genre, data_set, group, split))
    return clips


def _numbers(row: Mapping[str, str]) -> Iterator[float]:
    for column, text in row.items():
        if column not in NOT_FEATURES:
            try:
                yield float(text)
            except (ValueError, TypeError):  # cells beyond the header's come as a list
                yield float("nan")
