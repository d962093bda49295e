"""Put a new folder in the place of an old one, so that there is one at every moment."""

import ctypes
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


def put_in_place(new: Path, folder: Path) -> None:
    """Give a new folder the name of another one, which it takes the place of.

    Where the system can exchange two names in one step (Linux), nobody who opens the folder
    ever finds none; elsewhere the old one is gone for the moment between two renames, and comes
    back if the second fails. The old folder is left under the name of the new one.

    Parameters
    ----------
    new
        The new folder, on the same file system.
    folder
        Its name to be; there may be none yet.
    """
    if not folder.exists():
        new.rename(folder)
    elif not _exchange(new, folder):
        aside = new.with_name(f"{new.name}.old")
        folder.rename(aside)
        try:
            new.rename(folder)
        except OSError:
            aside.rename(folder)
            raise
        aside.rename(new)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two names; tell whether the system could."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    names = os.fsencode(one), os.fsencode(other)
    failed: int = rename(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE)
    return failed == 0
