"""API keys: a file holds their hashes, and is read again when it changes.

A line holds the SHA-256 of one key in hexadecimal, as ``printf %s "$KEY" | sha256sum`` writes it,
then what is to be said of the key, between spaces::

    5e88…1542  player  scopes=classify,stream  expires=2027-03-31

The first word is its name, which logs and figures tell instead of the key. Without ``scopes`` it
may do everything, without ``expires`` (the last day, in UTC) for ever. Empty lines and what stands
behind ``#`` are ignored. To rotate a key, add the new one's line under the same name, and
remove the old one's later.
"""

import hashlib
import hmac
import logging
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import takewhile
from pathlib import Path

logger = logging.getLogger(__name__)

SCOPES = ("classify", "stream", "metrics")

_HASH = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHOWN_DIGITS = 8


@dataclass(frozen=True)
class ApiKey:
    """What is known of a key.

    Attributes
    ----------
    sha256
        Its hash in hexadecimal.
    name
        What it is called; without a name, the beginning of its hash.
    scopes
        What it may be used for.
    last_day
        When it is valid for the last time, in UTC; None for ever.
    """

    sha256: str
    name: str
    scopes: frozenset[str] = frozenset(SCOPES)
    last_day: date | None = None

    def has_expired(self) -> bool:
        """Tell whether its last day is over."""
        return self.last_day is not None and datetime.now(UTC).date() > self.last_day


def read_keys(file: Path) -> tuple[ApiKey, ...]:
    """Return all keys in a file.

    Raises
    ------
    ValueError
        The file cannot be read, a line does not fit, or there is none at all.
    """
    try:
        lines = file.read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ValueError(f"{file} is no text in UTF-8") from error
    keys = []
    for number, line in enumerate(lines, start=1):
        words = list(takewhile(lambda word: not word.startswith("#"), line.split()))
        if not words:
            continue
        try:
            keys.append(_read_key(words))
        except ValueError as error:
            raise ValueError(f"{file} holds {error} in line {number}") from error
    if not keys:
        raise ValueError(f"{file} holds no key")
    return tuple(keys)


class ApiKeys:
    """Finds a key among those in a file.

    Parameters
    ----------
    file
        See :func:`read_keys`. A later version of it that cannot be read is logged, and the keys
        that were read before stay valid.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._version = self._version_now()
        self._keys = read_keys(file)

    def find(self, key: str) -> ApiKey | None:
        """Return what is known of a key, if it is valid now."""
        self._refresh()
        offered = hashlib.sha256(key.encode()).hexdigest()
        for known in self._keys:
            if hmac.compare_digest(offered, known.sha256) and not known.has_expired():
                return known
        return None

    def _refresh(self) -> None:
        version = self._version_now()
        if version == self._version:
            return
        self._version = version
        try:
            self._keys = read_keys(self._file)
        except ValueError as error:
            logger.error("the API keys stay as they were: %s", error)
        else:
            logger.info("the API keys were read again: %d", len(self._keys))

    def _version_now(self) -> tuple[int, int, int] | None:
        try:
            state = self._file.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size, state.st_ino


def _read_key(words: list[str]) -> ApiKey:
    sha256 = words[0].lower()
    if not _HASH.fullmatch(sha256):
        raise ValueError("no SHA-256")
    said = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    if unknown := sorted(set(said) - {"scopes", "expires"}):
        raise ValueError(f"{unknown[0]}=, which is neither scopes= nor expires=,")
    # Of a hash of its standard input, sha256sum says "-".
    names = [word for word in words[1:] if "=" not in word and word != "-"]
    # Passed over, a limit that is misspelt would be none.
    if len(names) > 1 or not all(_NAME.fullmatch(name) for name in names):
        raise ValueError("more behind the hash than a name like player, scopes= and expires=,")
    scopes = frozenset(said["scopes"].split(",")) if "scopes" in said else frozenset(SCOPES)
    if strange := sorted(scopes - set(SCOPES)):
        raise ValueError(f"the scope {strange[0]!r}, which is none of {', '.join(SCOPES)},")
    try:
        last_day = date.fromisoformat(said["expires"]) if "expires" in said else None
    except ValueError:
        raise ValueError(f"expires={said['expires']}, no day like 2027-03-31,") from None
    name = names[0] if names else f"key-{sha256[:_SHOWN_DIGITS]}"
    return ApiKey(sha256, name, scopes, last_day)
