"""A recording together with the chords that sound in it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.audio.decode import Samples
from training.data.annotation import Annotation
from training.data.labels import harte_label


@dataclass(frozen=True)
class Progression:
    """Chords one after the other, and how they sound.

    Attributes
    ----------
    data_set
        Where the sound comes from; figures are reported by it.
    group
        Player and guitar; intervals are drawn over them.
    samples
        Mono waveform, shape [n_samples].
    sample_rate_hz
        Its sampling rate.
    edges_s
        Where the chords begin, and last where the last one ends; shape [chords + 1].
    chords
        Labels of the task, neighbours differ.
    """

    data_set: str
    group: str
    samples: Samples
    sample_rate_hz: int
    edges_s: NDArray[np.float64]
    chords: list[str]

    @property
    def annotation(self) -> Annotation:
        """What is true."""
        intervals = np.stack([self.edges_s[:-1], self.edges_s[1:]], axis=1)
        return Annotation(intervals, [harte_label(chord) for chord in self.chords])
