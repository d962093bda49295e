"""Read a file by its path or URL, never more of it than is allowed."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from service.audio.files import irregular
from service.errors import TooManyBytes
from service.library.listing import is_url
from service.library.problems import UnreadableFile
from service.library.question import MIB


def read(file: str, max_bytes: int) -> bytes:
    """Return the bytes of a file.

    Raises
    ------
    UnreadableFile
        It does not exist or may not be read.
    TooManyBytes
        It is larger than allowed.
    """
    with _opened(file) as opened:
        data: bytes = opened.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise TooManyBytes(
            f"The file is larger than {max_bytes / MIB:g} MiB. Allow more with --max-mib."
        )
    return data


def sha256_of(file: str) -> str:
    """Return the SHA-256 of a file's content, a block of it in memory at a time.

    Raises
    ------
    UnreadableFile
        It does not exist or may not be read.
    """
    with _opened(file) as opened:
        digest = hashlib.sha256()
        while block := opened.read(MIB):
            digest.update(block)
    return digest.hexdigest()


@contextmanager
def _opened(file: str) -> Iterator[BinaryIO]:
    """Open a file, and tell every error of reading it as a problem."""
    try:
        with _open(file) as opened:
            yield opened
    except Exception as error:  # each file system of fsspec has errors of its own
        reason = error.strerror if isinstance(error, OSError) else None
        raise UnreadableFile(f"The file cannot be read: {reason or error}.") from error


def _open(file: str) -> BinaryIO:
    if not is_url(file):
        path = Path(file)
        if fault := irregular(path.stat().st_mode):
            raise fault
        return path.open("rb")
    import fsspec  # noqa: PLC0415  # only URLs need it

    opened: BinaryIO = fsspec.open(file, "rb").open()
    return opened
