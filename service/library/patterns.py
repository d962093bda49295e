"""What a pattern names, as :mod:`glob` finds it, but never round in a circle of links.

Two links into a folder that they lie in are enough for :mod:`glob` to take for ever over ``**``.
"""

import glob
import os
from collections.abc import Iterator
from pathlib import Path

DEEP = "**"  # any folders, or none


def matches(pattern: str) -> Iterator[Path]:
    """Yield the files and folders that a pattern names, some perhaps more than once.

    Where it ends with ``**``, that is the folder with all below it.
    """
    parts = Path(pattern).parts
    if DEEP not in parts:
        yield from map(Path, glob.iglob(pattern))  # noqa: PTH207  # a pattern may be absolute
        return
    place = parts.index(DEEP)
    rest = parts[place + 1 :]
    for folder in matches(str(Path(*parts[:place]))):
        if not rest:
            yield folder
            continue
        for below in _folders(folder, frozenset()):
            yield from matches(str(Path(glob.escape(str(below)), *rest)))


def _folders(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[Path]:
    """Yield a folder and those below it, but for hidden ones and those that cannot be read."""
    try:
        place = folder.stat()
        names = sorted(os.listdir(folder))  # noqa: PTH208  # names alone take a tenth of the memory
    except OSError:
        return
    identity = (place.st_dev, place.st_ino)
    if identity in above:
        return
    yield folder
    for name in names:
        if not name.startswith(".") and os.path.isdir(folder / name):  # noqa: PTH112  # any name
            yield from _folders(folder / name, above | {identity})
