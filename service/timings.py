"""How long each stage of a request took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

# In the order in which an upload passes through them.
STAGES = ("upload", "queue", "decode", "features", "inference")


class Timings:
    """Adds up the time of each stage; one thread after the other may use it."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to a stage, also when it fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float) -> None:
        """Add time to a stage."""
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def seconds(self) -> dict[str, float]:
        """Return the time of each stage that was reached, in order."""
        measured = dict(self._seconds)  # a worker may still go on after the deadline
        return {name: measured[name] for name in STAGES if name in measured}

    def server_timing(self) -> str:
        """Return the value of a ``Server-Timing`` header, in ms."""
        return ", ".join(f"{name};dur={1e3 * s:.1f}" for name, s in self.seconds().items())
