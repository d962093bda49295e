"""What listeners rate on a scale, beside a word, and how each collection asked for it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.data.readers import LabelledClip
from training.data.readers.clips import FILE_GROUP, AudioFile
from training.data.readers.manifest import rows
from training.errors import TrainingError

RATINGS_LIST = "mood_annotations.csv"


@dataclass(frozen=True)
class Scale:
    """One scale.

    Attributes
    ----------
    name
        What is rated.
    meaning
        What its ends mean, and how far the answer can be trusted.
    questions
        Sums of columns of the list, each column with its factor. A clip's value is that of the
        first sum of which it has all columns; values are compared within a collection only.
    """

    name: str
    meaning: str
    questions: tuple[Mapping[str, float], ...]


ENERGY = Scale(
    name="energy",
    meaning="0 calm, 1 energetic: about the share of the rated clips of a collection that are "
    "calmer. Learned from ratings of film music and votes on classical, electronic, pop and rock",
    questions=(
        {"rated_energy": 1},
        {"joyful_activation": 1, "power": 1, "calmness": -1},
    ),
)
VALENCE = Scale(
    name="valence",
    meaning="0 unpleasant, 1 pleasant",
    questions=(
        {"rated_valence": 1},
        {"joyful_activation": 1, "tenderness": 1, "sadness": -1, "tension": -1},
    ),
)
SCALES = (ENERGY, VALENCE)


@dataclass(frozen=True)
class RatedClips:
    """Clips with their ratings.

    Attributes
    ----------
    clips
        The clips; their labels mean nothing.
    values
        Shape [clips, scales]; NaN where nobody was asked.
    """

    clips: list[LabelledClip]
    values: NDArray[np.float64]


def read_ratings(data: Sequence[Path], scales: Sequence[Scale]) -> RatedClips:
    """Read the clips of all lists in some folders that are rated on at least one scale.

    Raises
    ------
    TrainingError
        A list lacks a column, or a rating is no number.
    """
    clips, values = [], []
    for path in (folder / RATINGS_LIST for folder in data):
        for row in rows(path, ("file", "dataset")) if path.exists() else ():
            value = [_value(row, scale) for scale in scales]
            if not all(map(math.isnan, value)):
                file = row["file"]
                source = AudioFile(path.parent / file)
                clips.append(LabelledClip(source, "", row["dataset"], f"{FILE_GROUP}{file}"))
                values.append(value)
    return RatedClips(clips, np.array(values).reshape(len(clips), len(scales)))


def _value(row: Mapping[str, str], scale: Scale) -> float:
    for question in scale.questions:
        if all(row.get(column) for column in question):
            return sum(factor * _number(row, column) for column, factor in question.items())
    return math.nan


def _number(row: Mapping[str, str], column: str) -> float:
    try:
        return float(row[column])
    except ValueError as error:
        raise TrainingError(
            f"{RATINGS_LIST} rates {row['file']} {row[column]!r} in the column {column}; write a "
            "number, or nothing where nobody was asked."
        ) from error
