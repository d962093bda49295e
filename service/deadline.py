"""The one deadline of a request, which every stage of its work keeps to."""

import time
from dataclasses import dataclass
from typing import Self

from service.errors import DeadlineExceeded


@dataclass(frozen=True)
class Deadline:
    """A point in time by which a request must be answered.

    Attributes
    ----------
    seconds
        The time that was allowed in all.
    at_s
        When it ends, on the clock of :func:`time.monotonic`.
    """

    seconds: float
    at_s: float

    @classmethod
    def within(cls, seconds: float) -> Self:
        """Return the deadline that ends so many seconds from now."""
        return cls(seconds, time.monotonic() + seconds)

    @property
    def remaining_s(self) -> float:
        """Seconds that are left, never below zero."""
        return max(0.0, self.at_s - time.monotonic())

    def exceeded(self) -> DeadlineExceeded:
        """Return the error to raise once it has passed."""
        return DeadlineExceeded(f"No answer within {self.seconds:g} s.")
