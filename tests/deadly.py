"""Work that kills the process it runs in, for tests of what survives that."""

import os
import signal

DEADLY = "deadly"


def shout(item: str) -> str:
    """Return the item in capitals, or die of it."""
    if item == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return item.upper()


def fail(item: str) -> str:
    """Raise an error that names the item."""
    raise ValueError(item)


def fail_if_odd(item: str) -> str:
    """Return the item, unless it is called odd."""
    return fail(item) if item == "odd" else item
