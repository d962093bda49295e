"""Find audio files in folders: the one walk of the training job and of whole libraries."""

import errno
import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

# Of audio that people have, whether or not this version can decode it: what is there and cannot
# be used is told, not passed over.
_SPEECH = (".3ga", ".amr", ".spx")
_COMPRESSED = (
    *(".aac", ".ac3", ".m4a", ".m4b", ".mka", ".mp2", ".mp3", ".oga", ".ogg", ".opus"),
    *(".ra", ".weba", ".webm", ".wma"),
)
_LOSSLESS = (
    *(".aif", ".aifc", ".aiff", ".ape", ".au", ".caf", ".flac", ".snd", ".tta", ".w64"),
    *(".wav", ".wave", ".wv"),
)
SUFFIXES = frozenset((*_SPEECH, *_COMPRESSED, *_LOSSLESS))
# What macOS leaves beside files on foreign disks; it has their names and none of their sound.
SHADOW_PREFIX = "._"

PathProblem = Callable[[Path, OSError], None]


def is_audio_name(name: str) -> bool:
    """Tell whether a file of this name is taken for audio."""
    return Path(name).suffix.lower() in SUFFIXES and not Path(name).name.startswith(SHADOW_PREFIX)


def log_problem(path: Path, error: OSError) -> None:
    """Log that a folder, or what is named as a file, cannot be read."""
    logger.warning("%s cannot be read: %s", path, error.strerror)


def irregular(mode: int) -> OSError | None:
    """Return why a path of this mode cannot be read: who opens a pipe may wait for ever."""
    return None if stat.S_ISREG(mode) else OSError(errno.EINVAL, "Not a regular file")


def audio_files(folder: Path, on_problem: PathProblem = log_problem) -> Iterator[Path]:
    """Yield all audio files in a folder and the folders below it, in the order of their names.

    Links to folders are followed, but not into a folder that they lie in. Never more than the
    names of the folders on the way to a file are held.

    Parameters
    ----------
    folder
        Where to begin.
    on_problem
        Called with each folder that cannot be read, whose content is left out, and with each pipe,
        socket or device that has the name of an audio file.
    """
    yield from _walk(folder, on_problem, frozenset())


def _walk(
    folder: Path, on_problem: PathProblem, above: frozenset[tuple[int, int]]
) -> Iterator[Path]:
    try:
        place = folder.stat()
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names alone take a tenth of the memory
    except OSError as error:
        on_problem(folder, error)
        return
    identity = (place.st_dev, place.st_ino)
    if identity in above:
        return
    for name in names:
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError:  # whoever reads it will say so
            mode = stat.S_IFREG
        if stat.S_ISDIR(mode):
            yield from _walk(path, on_problem, above | {identity})
        elif is_audio_name(name):
            problem = irregular(mode)
            if problem is None:
                yield path
            else:
                on_problem(path, problem)
