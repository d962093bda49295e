"""A library as people have them: many formats, some files broken, some an hour long, some twice."""

import itertools
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from service.audio.decode import decode
from service.audio.files import audio_files
from service.errors import ServiceError

RATE_HZ = 24_000  # each format below can have it
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
}
HOUR_S = 3600
HOUR_RATE_HZ = 16_000
ODD_IN_A_HUNDRED = 1  # of each kind: broken, an hour long, a copy of another
FOLDER_FILES = 1000

Waveform = NDArray[np.float32]


@dataclass(frozen=True)
class Made:
    """How many files of a library are what."""

    cuts: int
    broken: int
    hours: int
    copies: int

    @property
    def files(self) -> int:
        """All of them."""
        return self.cuts + self.broken + self.hours + self.copies


def make_library(folder: Path, data: Path, count: int, seconds: float) -> Made:
    """Make so many files of the clips below a folder; those that are there are not made again.

    Parameters
    ----------
    folder
        Where to.
    data
        Holds recordings, which are cut and encoded again.
    count
        How many files in all.
    seconds
        How long the cuts are.

    Raises
    ------
    ValueError
        The recordings do not yield so many cuts.
    """
    odd = max(1, round(count * ODD_IN_A_HUNDRED / 100))
    made = Made(cuts=count - 3 * odd, broken=odd, hours=odd, copies=odd)
    cuts = _cuts(data, seconds)
    for number in range(made.cuts):
        file = _place(folder, number)
        if not file.exists():
            _write(file, _next(cuts, number))
    _write_odd(folder, made)
    return made


def library_in(work: Path, data: Path, count: int, seconds: float) -> tuple[Path, Made]:
    """Make a library in a folder of its own below another, as `make_library` does; tell of it."""
    folder = work / f"music-{count}-{seconds:g}s"
    made = make_library(folder, data, count, seconds)
    sys.stdout.write(f"{made}\n")
    return folder, made


def _place(folder: Path, number: int) -> Path:
    ending = list(FORMATS)[number % len(FORMATS)]
    return folder / f"{number // FOLDER_FILES:03}" / f"{number:06}.{ending}"


def _next(cuts: Iterator[tuple[int, Waveform]], number: int) -> Waveform:
    """Return the cut of a number, which is the same each time; those before it are passed over."""
    for found, samples in cuts:
        if found == number:
            return samples
    raise ValueError(f"The recordings do not yield {number + 1} cuts; ask for fewer files.")


def _cuts(data: Path, seconds: float) -> Iterator[tuple[int, Waveform]]:
    numbers = itertools.count()
    length = round(seconds * RATE_HZ)
    for file in audio_files(data):
        try:
            samples = decode(file.read_bytes(), [RATE_HZ]).waveforms[RATE_HZ]
        except ServiceError:  # it would be no good start for a file that is whole
            continue
        for start in range(0, len(samples) - length + 1, length):
            yield next(numbers), samples[start : start + length]


def _write(file: Path, samples: Waveform, rate_hz: int = RATE_HZ) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    container, subtype = FORMATS[file.suffix[1:]]
    part = file.with_name(f".{file.name}.part")
    soundfile.write(part, samples, rate_hz, format=container, subtype=subtype)
    part.replace(file)


def _write_odd(folder: Path, made: Made) -> None:
    odd = folder / "odd"
    odd.mkdir(exist_ok=True)
    random = np.random.default_rng(0)
    hour = _hour(folder, odd)
    for number in range(made.broken):
        whole = _place(folder, number).read_bytes()
        broken = random.bytes(len(whole)) if number % 2 else whole[:40]
        (odd / f"broken{number:05}.mp3").write_bytes(broken)
        # What follows the sound, as old tags do, makes it another content.
        (odd / f"hour{number:05}.mp3").write_bytes(hour + b"TAG" + b"%0125d" % number)
        (odd / f"copy{number:05}.wav").write_bytes(_place(folder, number * 5).read_bytes())


def _hour(folder: Path, odd: Path) -> bytes:
    file = odd / "hour00000.mp3"
    if not file.exists():
        clip = decode(_place(folder, 0).read_bytes(), [HOUR_RATE_HZ]).waveforms[HOUR_RATE_HZ]
        _write(file, np.resize(clip, HOUR_S * HOUR_RATE_HZ), HOUR_RATE_HZ)
        return file.read_bytes()
    return file.read_bytes()[:-128]
