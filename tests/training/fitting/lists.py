"""Small data sets of chords and of music, and what is gathered of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.audio import noise
from tests.training.made import GUITAR_RATE_HZ, strum, write_csv, write_wav
from tests.training.tiny import TINY_CHORD, TINY_GENRE, varied
from training.data.cache import FeatureCache
from training.data.readers.clips import Source
from training.fitting.beside import NOTHING_BESIDE, Beside
from training.fitting.items import Material
from training.fitting.material import gather
from training.networks.teacher import Teacher
from training.recipes import Recipe

MUSIC = varied(TINY_GENRE, rendering=None)


class TalkingTeacher(Teacher):
    """Says how long a clip's name is, once for each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, sources: Sequence[Source]) -> list[NDArray[np.float32]]:
        self.asked += [Path(source.name).name for source in sources]
        return [np.full((1, 2), len(Path(s.name).name), np.float32) for s in sources]


def write_chords(folder: Path) -> Path:
    """Write four clips of one guitar, one of another, and one that cannot be decoded."""
    rows = []
    for n, (label, guitar) in enumerate(
        [("Am", "a"), ("C", "a"), ("Am", "a"), ("N", "a"), ("Bdim", "b")]
    ):
        write_wav(folder / f"{n}.wav", strum(label, seed=n), GUITAR_RATE_HZ)
        rows.append((f"{n}.wav", label, f"guitar-{guitar}", guitar))
    (folder / "broken.wav").write_bytes(b"no sound at all")
    rows.append(("broken.wav", "Am", "guitar-a", "a"))
    return write_csv(folder / "chord.csv", ("file", "chord", "group", "dataset"), rows)


def write_music(folder: Path) -> Path:
    """Write clips with a genre, with an emotion, and with both."""
    rows = {
        "genre": [("jazz.wav", "jazz", "x"), ("both.wav", "rock", "y")],
        "emotion": [("both.wav", "sad", "y"), ("sad.wav", "sad", "x"), ("happy.wav", "happy", "z")],
    }
    for task, listed in rows.items():
        write_csv(folder / f"{task}.csv", ("file", task, "group"), listed)
        for n, (file, *_) in enumerate(listed):
            write_wav(folder / file, noise(0.5, rate_hz=22_050, seed=len(file) + n), 22_050)
    return folder


def write_outsiders(folder: Path) -> Path:
    """Write four clips of one guitar and two of a player with a genre as well."""
    rows = [(f"a{n}.wav", "Am", "guitar-a") for n in range(4)]
    rows += [(f"b{n}.wav", "C", "x") for n in range(2)]
    for n, (file, *_) in enumerate(rows):
        write_wav(folder / file, noise(0.3, rate_hz=GUITAR_RATE_HZ, seed=n), GUITAR_RATE_HZ)
    return write_csv(folder / "chord.csv", ("file", "chord", "group"), rows)


def gather_chords(
    tmp_path: Path,
    cache: FeatureCache,
    recipe: Recipe = TINY_CHORD,
    seed: int = 1,
    further: Beside = NOTHING_BESIDE,
) -> Material:
    data = [write_chords(tmp_path / "data")]
    return gather(recipe, data, cache, teacher=None, seed=seed, beside=further)


def write_speech(folder: Path, count: int) -> Path:
    """Write recordings, one of them in a folder below, beside a file that is none."""
    for n in range(count):
        place = folder / "below" if n == 0 else folder
        write_wav(place / f"{n}.wav", noise(0.3, rate_hz=8_000, seed=n), 8_000)
    (folder / "README.txt").write_text("spoken by nobody", "utf-8")
    return folder
