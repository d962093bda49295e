"""Write files that are whole at every moment: a part of one would mislead who goes on from it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(file: Path, partial: Path | None = None) -> Iterator[Path]:
    """Yield where to write a file, which is put in its place once it is written.

    An interruption or a full disk leaves what was there before, or nothing.

    Parameters
    ----------
    file
        Its place; folders above it are made.
    partial
        Where to write it until then, in the same folder; without it, a name of this process alone,
        where several write the same.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = partial or file.with_suffix(f".{os.getpid()}.part")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
