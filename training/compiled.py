"""Librosa, whose compiled parts are loaded by one process at a time.

When librosa is first used, Numba compiles parts of it and keeps them beside it, for later
processes. Of two that do so at once it may keep halves that do not fit each other; from then on
each process that loads them ends with a segmentation fault. So the second waits for the first, and
finds all done.
"""

import fcntl
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

_spec = find_spec("librosa")
if _spec is None or _spec.origin is None:
    raise ModuleNotFoundError("No module named 'librosa'", name="librosa")
with Path(_spec.origin).open("rb") as _file:
    with suppress(OSError):  # not every network's file system has locks
        fcntl.flock(_file, fcntl.LOCK_EX)
    import librosa

    # The modules that compile when they are imported, which librosa itself puts off.
    import librosa.core.audio
    import librosa.core.pitch
    import librosa.util.utils

__all__ = ["librosa"]
