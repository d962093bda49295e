"""The part of a recording that is heard."""

from dataclasses import dataclass


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
