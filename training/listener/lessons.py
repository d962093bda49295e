"""Lessons: what the student hears, and what the teachers say of the very same sound.

They are prepared once, in parts that several processes can make beside each other and
that an interruption does not lose; the student then takes them as often as it likes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray
from tqdm import tqdm

from service.files import written_whole
from service.inference.features import compute_grid
from training.data.filter_banks import make_bank
from training.errors import TrainingError
from training.listener.mixing import Mixer, Piece
from training.listener.recordings import RATE_HZ
from training.listener.teachers import MN04_CLASSES, MN04_EMBEDDING, Mn04, Musicnn
from training.networks import musicnn
from training.networks.listener import KINDS

SPEC = musicnn.SPEC
FRAMES = musicnn.FRAMES
WINDOWS_EACH = 3
"""Windows of one piece, side by side."""

FRAME_SAMPLES = SPEC.hop_samples * RATE_HZ // SPEC.sample_rate_hz  # at ``RATE_HZ``
WINDOW_SAMPLES = FRAMES * FRAME_SAMPLES
PIECES_EACH = 400
"""Pieces of one part: some minutes of work are the most that an interruption costs."""

TARGETS = {
    "mn04_embedding": MN04_EMBEDDING,
    "mn04_classes": MN04_CLASSES,
    "musicnn_hidden": musicnn.HIDDEN,
    "musicnn_tags": musicnn.TAGS,
    "musicnn_pooled": musicnn.UNITS - musicnn.HIDDEN - musicnn.TAGS,
}
"""What the teachers say, in the order in which it is stored, and how many values each has."""

LEVELS = 255  # of a stored window: 0.4 dB each

Windows = NDArray[np.uint8]
Array = NDArray[np.float32]


@dataclass(frozen=True)
class Lessons:
    """Windows and what is to be learned from them.

    Attributes
    ----------
    windows
        Levels of 0 to ``LEVELS``, shape [n, 187, 96].
    targets
        What the teachers say, shape [n, sum of ``TARGETS``], half precision.
    levels
        Shares of music, speech and noise in the piece, shape [n, 3].
    """

    windows: Windows
    targets: NDArray[np.float16]
    levels: NDArray[np.float16]


def sounds_at(starts: NDArray[np.int64], samples: Array) -> Array:
    """Return the sound of windows that begin with some frames, shape [n, n_samples]."""
    return np.stack([samples[at : at + WINDOW_SAMPLES] for at in starts * FRAME_SAMPLES])


class Classroom:
    """Asks the teachers about pieces.

    Parameters
    ----------
    mn04, other
        The teachers.
    """

    def __init__(self, mn04: Mn04, other: Musicnn) -> None:
        self._mn04, self._musicnn = mn04, other
        self._bank = make_bank(SPEC)

    def teach(self, piece: Piece) -> Lessons:
        """Return the lessons of one piece, ``WINDOWS_EACH`` of them."""
        resampled = soxr.resample(piece.samples, RATE_HZ, SPEC.sample_rate_hz)
        grid = compute_grid(resampled, SPEC, self._bank)
        starts = np.linspace(0, len(grid) - FRAMES - 1, WINDOWS_EACH).astype(int)
        stored = np.stack([np.round(grid[s : s + FRAMES] * LEVELS) for s in starts])
        sounds = sounds_at(starts, piece.samples)
        said = [self._mn04.ask(sounds), self._musicnn.ask((stored / LEVELS).astype(np.float32))]
        levels = np.broadcast_to(piece.levels, (WINDOWS_EACH, len(KINDS)))
        return Lessons(
            stored.astype(np.uint8),
            np.concatenate(said, axis=1).astype(np.float16),
            levels.astype(np.float16),
        )


def prepare(classroom: Classroom, mixer: Mixer, folder: Path, parts: range, seed: int) -> None:
    """Make the parts that are not there yet.

    Parameters
    ----------
    classroom
        Whom to ask.
    mixer
        What to ask about.
    folder
        Where parts are kept.
    parts
        Numbers of the parts; each gives ``PIECES_EACH`` pieces of its own.
    seed
        Seed of the pieces.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [number for number in parts if not _part(folder, number).exists()]
    with tqdm(total=len(wanted) * PIECES_EACH, desc="teachers", unit="piece") as progress:
        for number in wanted:
            rng = np.random.default_rng([seed, number])
            taught = []
            for _ in range(PIECES_EACH):
                taught.append(classroom.teach(mixer.draw(rng)))
                progress.update()
            _store(_joined(taught), _part(folder, number))


def load(folder: Path, numbers: Sequence[int] | None = None) -> Lessons:
    """Return all lessons of a folder, or those of some parts.

    Raises
    ------
    TrainingError
        There are none.
    """
    files = sorted(folder.glob("part_*.npz"))
    if numbers is not None:
        files = [_part(folder, number) for number in numbers if _part(folder, number).exists()]
    if not files:
        raise TrainingError(
            f"{folder} holds no lessons; run 'python -m training listen prepare' first."
        )
    return _joined([_load(file) for file in files])


def columns(name: str) -> slice:
    """Return where one of ``TARGETS`` stands among the targets."""
    names = list(TARGETS)
    start = sum(TARGETS[before] for before in names[: names.index(name)])
    return slice(start, start + TARGETS[name])


def _part(folder: Path, number: int) -> Path:
    return folder / f"part_{number:05d}.npz"


def _joined(lessons: Sequence[Lessons]) -> Lessons:
    return Lessons(
        np.concatenate([one.windows for one in lessons]),
        np.concatenate([one.targets for one in lessons]),
        np.concatenate([one.levels for one in lessons]),
    )


def _store(lessons: Lessons, file: Path) -> None:
    with written_whole(file) as partial, partial.open("wb") as opened:
        np.savez(opened, windows=lessons.windows, targets=lessons.targets, levels=lessons.levels)


def _load(file: Path) -> Lessons:
    with np.load(file) as stored:
        return Lessons(stored["windows"], stored["targets"], stored["levels"])
