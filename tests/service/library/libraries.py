"""Make small libraries of tones whose answers are known, and an engine that works in the test."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from service.inference.bundle_files import MODEL_FILE, read_card
from service.library.question import Models, Outcome, Question, describe_card
from service.library.work import Bundles, classify_file, hash_file
from tests.audio import encode, tone
from tests.bundles import GENRES, band_centre_hz

TASKS = ("chord", "emotion", "genre")


def write_song(
    path: Path, genre: str = "rock", duration_s: float = 0.5, amplitude: float = 0.5
) -> Path:
    """Write a file of a genre; another amplitude makes another content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frequency_hz = band_centre_hz(GENRES.index(genre), len(GENRES))
    path.write_bytes(encode(tone(frequency_hz, duration_s, amplitude=amplitude)))
    return path


def write_library(folder: Path, count: int = 8) -> Path:
    """Write so many songs of different contents, one after the other of each genre."""
    for n in range(count):
        write_song(folder / f"{n:04}.wav", GENRES[n % len(GENRES)], amplitude=0.3 + 0.4 * n / count)
    return folder


def models_of(models_dir: Path, tasks: Iterable[str] = TASKS) -> Models:
    return {task: describe_card(read_card(models_dir / task)) for task in tasks}


class InlineEngine:
    """Does the work of a Dask worker at once, and notes what it was asked to do."""

    def __init__(self, models_dir: Path, tasks: Iterable[str] = TASKS) -> None:
        self.models = models_of(models_dir, tasks)
        hashes = tuple((t, read_card(models_dir / t).sha256[MODEL_FILE]) for t in tasks)
        self._bundles = Bundles(str(models_dir), hashes)
        self.hashed: list[str] = []
        self.classified: list[str] = []

    def hash(self, files: Iterable[str]) -> Iterator[Outcome]:
        for file in files:
            self.hashed.append(file)
            yield hash_file(file)

    def classify(self, files: Iterable[str], question: Question) -> Iterator[Outcome]:
        for file in files:
            self.classified.append(file)
            yield classify_file(file, question, self._bundles)
