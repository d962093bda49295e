"""How long each stage of a request took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# In the order in which an upload passes through them.
STAGES = ("upload", "queue", "decode", "features", "inference")


@dataclass(frozen=True)
class Interval:
    """One stretch of time that a stage took.

    Attributes
    ----------
    name
        The stage.
    began_s
        When it began, on the clock of :func:`time.perf_counter`.
    seconds
        How long it took.
    """

    name: str
    began_s: float
    seconds: float


class Timings:
    """Adds up the time of each stage; one thread after the other may use it."""

    def __init__(self) -> None:
        self._intervals: list[Interval] = []

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time that the block takes to a stage, also when it fails."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.add(name, time.perf_counter() - began)

    def add(self, name: str, seconds: float, began_s: float | None = None) -> None:
        """Add time to a stage: what has just passed, or from when it began."""
        if began_s is None:
            began_s = time.perf_counter() - seconds
        self._intervals.append(Interval(name, began_s, seconds))

    def intervals(self) -> tuple[Interval, ...]:
        """Return every stretch of time, in the order in which they ended."""
        return tuple(self._intervals)  # a worker may still go on after the deadline

    def seconds(self) -> dict[str, float]:
        """Return the time of each stage that was reached, in order."""
        measured: dict[str, float] = {}
        for interval in self.intervals():
            measured[interval.name] = measured.get(interval.name, 0.0) + interval.seconds
        return {name: measured[name] for name in STAGES if name in measured}

    def server_timing(self) -> str:
        """Return the value of a ``Server-Timing`` header, in ms."""
        return ", ".join(f"{name};dur={1e3 * s:.1f}" for name, s in self.seconds().items())
