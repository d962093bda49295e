"""API keys: a file holds their hashes, and is read again when it changes.

A line holds the SHA-256 of one key in hexadecimal, as ``printf %s "$KEY" | sha256sum`` writes it,
and after a space whatever helps to tell the keys apart. Empty lines and those that begin with
``#`` are ignored. To rotate a key, add the new one's line, and remove the old one's later.
"""

import hashlib
import hmac
import logging
import re
from pathlib import Path

logger = logging.getLogger(__name__)

_HASH = re.compile(r"[0-9a-f]{64}")


def read_hashes(file: Path) -> tuple[str, ...]:
    """Return the hashes of all keys in a file.

    Raises
    ------
    ValueError
        The file cannot be read, a line holds no hash, or there is none at all.
    """
    try:
        lines = file.read_text("utf-8").splitlines()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    hashes = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        written = line.split()[0].lower()
        if not _HASH.fullmatch(written):
            raise ValueError(f"{file} holds no SHA-256 in line {number}")
        hashes.append(written)
    if not hashes:
        raise ValueError(f"{file} holds no key")
    return tuple(hashes)


class ApiKeys:
    """Tells whether a key is one of those in a file.

    Parameters
    ----------
    file
        See :func:`read_hashes`. A later version of it that cannot be read is logged, and the keys
        that were read before stay valid.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._version = self._version_now()
        self._hashes = read_hashes(file)

    def allow(self, key: str) -> bool:
        """Tell whether a key is valid now."""
        self._refresh()
        offered = hashlib.sha256(key.encode()).hexdigest()
        return any(hmac.compare_digest(offered, known) for known in self._hashes)

    def _refresh(self) -> None:
        version = self._version_now()
        if version == self._version:
            return
        self._version = version
        try:
            self._hashes = read_hashes(self._file)
        except ValueError as error:
            logger.error("the API keys stay as they were: %s", error)
        else:
            logger.info("the API keys were read again: %d", len(self._hashes))

    def _version_now(self) -> tuple[int, int, int] | None:
        try:
            state = self._file.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino
