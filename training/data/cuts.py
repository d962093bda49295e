"""The beginnings of clips, to learn how much less can be told from a shorter recording."""

from dataclasses import dataclass
from functools import lru_cache
from threading import Lock

import numpy as np

from service.audio.decode import Samples
from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from training.data.readers import AudioFile

ONSET_DB = -40.0
# So that threads that cut one file to several lengths do not decode it several times.
_DECODING = Lock()
VERSION = 1  # part of the cache key: raise it when a cut begins elsewhere


@dataclass(frozen=True)
class CutAudio:
    """The beginning of an audio file, from where it sounds.

    Attributes
    ----------
    original
        The whole file.
    duration_s
        How long to hear it.
    """

    original: AudioFile
    duration_s: float

    @property
    def name(self) -> str:
        """Path of the original, and how long it is heard."""
        return f"{self.original.name} (cut to {self.duration_s:g} s)"

    def content_key(self) -> str:
        """Return a hash of the original's bytes and the length."""
        return f"{self.original.content_key()} cut {VERSION} {self.duration_s:g}"

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:
        """Cut, then compute with the functions that the service uses."""
        with _DECODING:
            samples = _whole(self.original, spec.sample_rate_hz)
        return compute_grid(cut(samples, spec.sample_rate_hz, self.duration_s), spec, bank)


def cut(samples: Samples, sample_rate_hz: int, to_s: float) -> Samples:
    """Keep so much of a waveform from where it sounds, or all of a shorter one.

    Where too little follows the onset, it is the end of the waveform.
    """
    length = round(to_s * sample_rate_hz)
    loud = np.abs(samples) > np.abs(samples).max(initial=0.0) * 10 ** (ONSET_DB / 20)
    start = min(int(loud.argmax()), max(0, len(samples) - length)) if len(samples) else 0
    return samples[start : start + length]


# Cuts are prepared some at a time, in any order; so many files lie behind them.
@lru_cache(maxsize=16)
def _whole(file: AudioFile, sample_rate_hz: int) -> Samples:
    return file.samples(sample_rate_hz)
