"""The part of a recording that is heard."""

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True)
class Excerpt:
    """Where the part of a recording that is heard begins, and how long it is.

    Attributes
    ----------
    start_s
        Seconds from the beginning of the recording.
    duration_s
        Seconds that are heard; None for all to the end.
    """

    start_s: float = 0.0
    duration_s: float | None = None

    @property
    def end_s(self) -> float:
        """Where it ends; infinite where it goes to the end of the recording."""
        return inf if self.duration_s is None else self.start_s + self.duration_s


def asked_excerpt(start_s: float, duration_s: float | None) -> Excerpt | None:
    """Return the excerpt that two options ask for; None where they ask for all of a recording."""
    # Pages fill in a start of 0 that nobody asked for.
    everything = start_s == 0 and duration_s is None
    return None if everything else Excerpt(start_s, duration_s)
