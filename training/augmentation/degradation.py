"""Clips as a worse recording would have them: distorted, noisy, reverberant.

A network that should know a chord through any amplifier and room must have heard it
through many. Each degraded copy is fixed by the clip's content and its number, so it
can be cached like any other.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from service.audio.decode import Samples
from service.inference.features import FeatureSpec, FilterBank, Grid, compute_grid
from training.data.readers import AudioFile
from training.synthesis.room import echoes

VERSION = 2  # part of the cache key: raise it when the numbers below change


@dataclass(frozen=True)
class DegradedAudio:
    """One degraded copy of an audio file.

    Attributes
    ----------
    original
        The clean file.
    copy
        Number of the copy.
    """

    original: AudioFile
    copy: int

    @property
    def name(self) -> str:
        """Path of the original, and which copy."""
        return f"{self.original.name} (degraded copy {self.copy})"

    def content_key(self) -> str:
        """Return a hash of the original's bytes and the copy."""
        return f"{self.original.content_key()} degraded {VERSION}.{self.copy}"

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:
        """Degrade, then compute with the functions that the service uses."""
        samples = self.original.samples(spec.sample_rate_hz)
        seed = [self.copy, *self.original.content_key().encode()]
        degraded = degrade(samples, spec.sample_rate_hz, np.random.default_rng(seed))
        return compute_grid(degraded, spec, bank)


def degrade(samples: Samples, sample_rate_hz: int, rng: Generator) -> Samples:
    """Send a waveform, shape [n_samples], through a random amplifier, room and noise."""
    x = samples.astype(np.float64) / max(float(np.abs(samples).max(initial=0.0)), 1e-9)
    if rng.random() < 0.7:
        x = _amplifier(x, sample_rate_hz, rng)
    if rng.random() < 0.3:
        wet = echoes(x, sample_rate_hz, rng, tail_s=0.5, slowest_decay_s=0.15)
        share = rng.uniform(0.1, 0.6)
        x = (1 - share) * x + share * wet
    if rng.random() < 0.5:
        level = np.sqrt(np.mean(x**2)) * 10 ** (rng.uniform(-40, -8) / 20)
        x = x + level * rng.standard_normal(len(x))
    return x.astype(np.float32)


def _amplifier(x: NDArray[np.float64], rate_hz: int, rng: Generator) -> NDArray[np.float64]:
    """Cut the bass, clip softly and unevenly, then lose treble as a loudspeaker does."""
    tight = _filter(x, rate_hz, high_pass_hz=rng.uniform(20, 250), low_pass_hz=rate_hz)
    gain = 10 ** (rng.uniform(10, 55) / 20)
    bias = rng.uniform(-0.3, 0.3)
    clipped = np.tanh(gain * tight / max(float(np.abs(tight).max()), 1e-9) + bias)
    speaker_hz = rng.uniform(2000, 5500)
    return _filter(clipped - clipped.mean(), rate_hz, high_pass_hz=60, low_pass_hz=speaker_hz)


def _filter(
    x: NDArray[np.float64], rate_hz: int, *, high_pass_hz: float, low_pass_hz: float
) -> NDArray[np.float64]:
    """Filter with gentle second-order slopes, in the frequency domain."""
    frequency = np.fft.rfftfreq(len(x), 1 / rate_hz)
    high = frequency**2 / (frequency**2 + high_pass_hz**2)
    low = 1 / (1 + (frequency / low_pass_hz) ** 4)
    return np.fft.irfft(np.fft.rfft(x) * high * low, len(x))
