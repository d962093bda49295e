"""How loud a waveform sounds, measured as the service does, and bringing it to one loudness.

The service weighs the spectrum of frames; here the spectrum of the whole piece is weighed, which
is then a waveform again, so that each sample is a frame of its own.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.inference.loudness import gated_loudness_lufs, k_weights

Samples = NDArray[np.float32]


def loudness_lufs(samples: Samples, rate_hz: int) -> float | None:
    """Return the gated loudness of a mono waveform; None where it is silent throughout."""
    spectrum = np.fft.rfft(samples) * _k_gain(len(samples), rate_hz)
    weighted = np.fft.irfft(spectrum, len(samples))
    return gated_loudness_lufs(weighted**2, 1 / rate_hz)


def brought_to(samples: Samples, rate_hz: int, target_lufs: float) -> Samples:
    """Return a mono waveform at a loudness; as it is where it is silent."""
    found = loudness_lufs(samples, rate_hz)
    if found is None:
        return samples
    return samples * np.float32(10 ** ((target_lufs - found) / 20))


@lru_cache(maxsize=4)
def _k_gain(n_samples: int, rate_hz: int) -> NDArray[np.float64]:
    """Return what the amplitude of each bin of a spectrum counts."""
    frequencies_hz = np.fft.rfftfreq(n_samples, 1 / rate_hz).astype(np.float64)
    return np.sqrt(k_weights(frequencies_hz))
