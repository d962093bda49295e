"""What is true of a recording over time: which chord, or which key, when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Annotation:
    """Which chord sounds when, as mir_eval takes it.

    Attributes
    ----------
    intervals_s
        Start and end of each segment in seconds, shape [segments, 2].
    labels
        Their chords in Harte's notation (Harte et al., ISMIR 2005), or their keys, such as
        ``A:min``.
    """

    intervals_s: NDArray[np.float64]
    labels: list[str]

    def between(self, start_s: float, end_s: float) -> "Annotation":
        """Return what lies in an excerpt, in seconds from its beginning."""
        inside = np.clip(self.intervals_s, start_s, end_s) - start_s
        lasting = np.flatnonzero(inside[:, 1] > inside[:, 0])
        return Annotation(inside[lasting], [self.labels[n] for n in lasting])

    def longest(self) -> str:
        """Return the label that holds for the longest time."""
        durations_s: dict[str, float] = {}
        for label, (start_s, end_s) in zip(self.labels, self.intervals_s, strict=True):
            durations_s[label] = durations_s.get(label, 0.0) + float(end_s - start_s)
        return max(durations_s, key=durations_s.__getitem__)
