"""Describe a recording whole and in pieces of 3 s: statistics as Kaggle's GTZAN set has, MFCCs.

The statistics are those of :mod:`training.comparison.handcrafted` that ``features_30_sec.csv``
and ``features_3_sec.csv`` have, computed by librosa with its own settings. The MFCCs are those
of the JSON data sets that many courses use: 13 of each frame, FFT of 2,048 samples, hop of 512.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.audio.decode import Samples
from training.comparison.handcrafted import (
    FFT_SAMPLES,
    HOP_SAMPLES,
    SAMPLE_RATE_HZ,
    statistics,
)
from training.compiled import librosa
from training.data.readers.statistics import N_FEATURES

SEGMENT_S = 3
SEGMENTS = 10
N_MFCC = 13


@dataclass(frozen=True)
class Described:
    """Statistics of one stretch of sound.

    Attributes
    ----------
    length
        How many samples it has, at 22,050 Hz.
    values
        By the name of the column, in Kaggle's order.
    """

    length: int
    values: dict[str, float]


def segments(samples: Samples) -> list[Samples]:
    """Return up to ten whole pieces of 3 s; of a shorter recording, what there is."""
    size = SEGMENT_S * SAMPLE_RATE_HZ
    count = min(SEGMENTS, len(samples) // size)
    return [samples[n * size : (n + 1) * size] for n in range(count)] or [samples]


def describe(samples: Samples) -> Described:
    """Return Kaggle's statistics of a waveform at 22,050 Hz."""
    values = dict(list(statistics(samples).items())[:N_FEATURES])
    return Described(len(samples), values)


def mfcc(samples: Samples) -> NDArray[np.float32]:
    """Return the MFCCs of a waveform at 22,050 Hz, shape [frames, 13]."""
    padded = np.pad(samples, (0, max(0, FFT_SAMPLES - len(samples))))
    found = librosa.feature.mfcc(
        y=padded, sr=SAMPLE_RATE_HZ, n_mfcc=N_MFCC, n_fft=FFT_SAMPLES, hop_length=HOP_SAMPLES
    )
    return np.asarray(found.T, dtype=np.float32)
