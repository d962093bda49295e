"""Recordings to listen to, kept decoded as 16-bit samples in one file per shelf.

Mixing draws short stretches of random recordings some hundred thousand times; decoding
each time would take longer than everything else.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError, UnreadableClip

RATE_HZ = 32_000
"""Of all that is kept: what the most demanding teacher asks for."""

FULL_SCALE = 32_767
LONGEST_S = 300.0
"""A game's music repeats itself; more of one piece teaches little."""

MUSIC, SPEECH, NOISE = "music", "speech", "noise"

Samples = NDArray[np.float32]


@dataclass(frozen=True)
class Recording:
    """Where one recording lies on a shelf, and what it is.

    Attributes
    ----------
    name
        What it is called, for people.
    kind
        ``music``, ``speech`` or ``noise``.
    source
        The data set or package that it is from.
    group
        Who made it; what is held out is held out by group.
    start, n_samples
        Its stretch of the shelf's samples.
    """

    name: str
    kind: str
    source: str
    group: str
    start: int
    n_samples: int

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.n_samples / RATE_HZ


@dataclass(frozen=True)
class Sound:
    """A recording that is not on the shelf yet; ``decode`` gives mono samples at ``RATE_HZ``."""

    name: str
    kind: str
    source: str
    group: str
    decode: Callable[[], Samples]


class Shelf:
    """Decoded recordings in a folder.

    Parameters
    ----------
    folder
        Where :meth:`fill` put them.

    Raises
    ------
    TrainingError
        There is no shelf in the folder.
    """

    def __init__(self, folder: Path) -> None:
        if not _list_file(folder).is_file():
            raise TrainingError(
                f"{folder} holds no recordings; run 'python -m training listen gather' first."
            )
        rows = json.loads(_list_file(folder).read_text("utf-8"))
        self.recordings = [Recording(**row) for row in rows]
        self._samples = np.memmap(_samples_file(folder), np.int16, "r")

    @staticmethod
    def fill(folder: Path, sounds: Iterable[Sound]) -> "Shelf":
        """Decode recordings onto a new shelf; what cannot be read is left out.

        Raises
        ------
        TrainingError
            None of them can be read.
        """
        folder.mkdir(parents=True, exist_ok=True)
        recordings: list[Recording] = []
        start = 0
        with _samples_file(folder).open("wb") as file:
            for sound in sounds:
                try:
                    samples = sound.decode()[: round(LONGEST_S * RATE_HZ)]
                except UnreadableClip:
                    continue
                file.write(np.round(np.clip(samples, -1, 1) * FULL_SCALE).astype("<i2").tobytes())
                recordings.append(
                    Recording(
                        sound.name, sound.kind, sound.source, sound.group, start, len(samples)
                    )
                )
                start += len(samples)
        if not start:
            raise TrainingError("None of the recordings can be read; name others.")
        rows = [asdict(recording) for recording in recordings]
        _list_file(folder).write_text(json.dumps(rows, indent=0), "utf-8")
        return Shelf(folder)

    def read(self, recording: Recording, first: int, n_samples: int) -> Samples:
        """Return a stretch of a recording, which starts again where it ends too soon."""
        whole = self._samples[recording.start : recording.start + recording.n_samples]
        stretch = whole[first : first + n_samples]
        if len(stretch) < n_samples:
            stretch = np.resize(np.concatenate([stretch, whole]), n_samples)
        return stretch.astype(np.float32) / np.float32(FULL_SCALE)


def total_h(recordings: Sequence[Recording]) -> float:
    """Return how many hours recordings last together."""
    return sum(recording.duration_s for recording in recordings) / 3_600


def _list_file(folder: Path) -> Path:
    return folder / "recordings.json"


def _samples_file(folder: Path) -> Path:
    return folder / "recordings.i16"
