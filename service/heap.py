"""Keep freed memory for the next clip, rather than give it back to the system each time.

The C library of GNU returns large blocks to the system as soon as they are freed, and the next clip
gets its pages one by one, each cleared anew. A clip's arrays are all of that kind: decoding and
resampling a WAV took a third of their time for it, a spectrum three quarters.
"""

import ctypes
import os

# Of <malloc.h>.
_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3

# An upload of the usual kind and its waveforms stay below this. What is larger is given back, and
# grows in place, where smaller arrays leave holes: with twice as much here, an hour of MP3 takes
# 75 MiB more.
LARGEST_KEPT_BYTES = 8 << 20
# So much may lie unused at the end of the memory of a process, or of one of its threads.
MOST_UNUSED_BYTES = 64 << 20


def keep_freed_memory() -> None:
    """Let this process keep what it frees; elsewhere than with that library, do nothing."""
    if not _is_gnu():
        return
    library = ctypes.CDLL(None)
    library.mallopt(_MMAP_THRESHOLD, LARGEST_KEPT_BYTES)
    library.mallopt(_TRIM_THRESHOLD, MOST_UNUSED_BYTES)


def _is_gnu() -> bool:
    names = getattr(os, "confstr_names", {})
    return "CS_GNU_LIBC_VERSION" in names and bool(os.confstr("CS_GNU_LIBC_VERSION"))
