"""Hear when something begins to sound, to the hundredth of a second, and move boundaries there.

The frames of features are too long to tell when a chord is struck. Here short ones are compared
with those before: what is louder in them by frequency, its levels compressed, adds up to how much
begins there (the spectral flux; Bello et al., IEEE Trans. Speech and Audio Processing 2005). One
chord follows another where something is struck, so a boundary that is known to a twentieth of a
second moves to the strongest beginning around it.
"""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.inference.bands import hann, overlapping
from service.inference.parabola import top_offset

# A step is compared with the one after the next, and counts as the one between them.
APART_STEPS = 2
# Blocks of this size stay in the processor's cache.
BLOCK_STEPS = 128
# How far boundaries lie from the true ones, and how far one is moved at most.
SPREAD_S = 0.08
REACH_S = 0.15
NEARLY_NOTHING = 1e-9

Strengths = NDArray[np.float32]  # [steps], how much begins at each, from 0


class OnsetSpec(BaseModel):
    """How finely beginnings are told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    fft_samples: int = Field(gt=0, multiple_of=2, description="Samples of each short frame")
    hop_samples: int = Field(
        gt=0, description="Samples from one step to the next, at most those of a frame"
    )

    @model_validator(mode="after")
    def _leave_nothing_out(self) -> Self:
        if self.hop_samples > self.fft_samples:
            raise ValueError("hop_samples must not be more than fft_samples, or some go unheard")
        return self


class OnsetMeter:
    """Measures how much begins in a waveform that comes piece by piece, however it is cut.

    Parameters
    ----------
    spec
        How finely.
    """

    def __init__(self, spec: OnsetSpec) -> None:
        self._spec = spec
        self._hann = hann(spec.fft_samples)
        # Frames are centred: silence lies before the first sample.
        self._rest = np.zeros(spec.fft_samples // 2, np.float32)
        self._before = np.zeros((0, spec.fft_samples // 2 + 1), np.float32)
        self._strengths: list[Strengths] = [np.zeros(APART_STEPS // 2, np.float32)]

    def add(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples of the waveform, shape [n_samples]."""
        step = BLOCK_STEPS * self._spec.hop_samples  # so that what is joined stays small
        for first in range(0, len(samples), step):
            self._measure(samples[first : first + step])

    def end(self) -> Strengths:
        """Return how much begins at each step of the waveform, of which all has come."""
        self._measure(np.zeros(self._spec.fft_samples // 2, np.float32))
        return np.concatenate([*self._strengths, np.zeros(APART_STEPS // 2, np.float32)])

    def _measure(self, samples: NDArray[np.float32]) -> None:
        """Measure the steps that some more samples complete."""
        fft, hop = self._spec.fft_samples, self._spec.hop_samples
        stretch = np.concatenate([self._rest, samples], dtype=np.float32)
        n_steps = 1 + (len(stretch) - fft) // hop if len(stretch) >= fft else 0
        self._rest = stretch[n_steps * hop :]
        if n_steps == 0:
            return
        frames = overlapping(stretch, n_steps, self._spec)
        spectrum = np.fft.rfft(frames * self._hann, axis=1)
        levels = spectrum.real**2
        levels += spectrum.imag**2
        for _ in range(3):  # the fourth root of magnitudes, in place: powers take longer
            np.sqrt(levels, out=levels)
        joined = np.concatenate([self._before, levels])
        self._before = joined[-APART_STEPS:]
        more = joined[APART_STEPS:] - joined[:-APART_STEPS]
        np.maximum(more, 0, out=more)
        self._strengths.append(more.sum(axis=1))


def move_to_onsets(edges_s: Sequence[float], strengths: Strengths, step_s: float) -> list[float]:
    """Return boundaries moved to where most begins around them, the first and last excepted.

    What is near counts more than what is far. None is moved beyond the middle between it and its
    neighbours, and at least a third of each segment is left.

    Parameters
    ----------
    edges_s
        Where segments begin and, last, where the last one ends.
    strengths, step_s
        What :meth:`OnsetMeter.end` returned, and the time from one step to the next.
    """
    moved = list(edges_s)
    for k in range(1, len(edges_s) - 1):
        before, edge, after = edges_s[k - 1 : k + 2]
        reach = min(REACH_S, (edge - before) / 2, (after - edge) / 2)
        earliest = max(edge - reach, moved[k - 1] + (edge - before) / 3)
        first = max(0, int(np.ceil(earliest / step_s)))
        around = strengths[first : max(first, int((edge + reach) / step_s) + 1)]
        if around.max(initial=0.0) > 0:
            moved[k] = (first + _strongest(around, edge / step_s - first, step_s)) * step_s
    return moved


def _strongest(strengths: Strengths, expected: float, step_s: float) -> float:
    """Return the step, with its part, at which most begins, beside where it is expected."""
    away = (np.arange(len(strengths)) - expected) * step_s / SPREAD_S
    likely = np.log(np.maximum(strengths, NEARLY_NOTHING), dtype=np.float64) - away**2 / 2
    best = int(likely.argmax())
    if not 0 < best < len(likely) - 1:
        return best
    return best + top_offset(*likely[best - 1 : best + 2])
