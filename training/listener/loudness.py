"""How loud a piece sounds, and bringing it to one loudness (ITU-R BS.1770-4).

The K-weighting is applied to the spectrum of the whole piece; blocks of 400 ms every
100 ms are gated at -70 LUFS and at 10 LU below the mean of what is above that.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

BLOCK_S = 0.4
STEP_S = 0.1
ABSOLUTE_GATE_LUFS = -70.0
RELATIVE_GATE_LU = 10.0
OFFSET_LU = -0.691

_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1_681.974, 3.99984, 0.7071752
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547, 0.5003271


def loudness_lufs(samples: Samples, rate_hz: int) -> float:
    """Return the gated loudness of a mono waveform; -inf where no block passes the gate."""
    power = _block_power(_k_weighted(samples, rate_hz), rate_hz)
    power = power[_lufs(power) > ABSOLUTE_GATE_LUFS]
    if not len(power):
        return -np.inf
    power = power[_lufs(power) > _lufs(power.mean()) - RELATIVE_GATE_LU]
    return float(_lufs(power.mean()))


def brought_to(samples: Samples, rate_hz: int, target_lufs: float) -> Samples:
    """Return a mono waveform at a loudness; as it is where it is silent."""
    found = loudness_lufs(samples, rate_hz)
    if not np.isfinite(found):
        return samples
    return samples * np.float32(10 ** ((target_lufs - found) / 20))


def _lufs(power: NDArray[np.float64]) -> NDArray[np.float64]:
    level: NDArray[np.float64] = OFFSET_LU + 10 * np.log10(np.maximum(power, 1e-20))
    return level


def _block_power(weighted: Samples, rate_hz: int) -> NDArray[np.float64]:
    """Return the mean square of each block, shape [blocks]; one block of what is shorter."""
    step, block = round(STEP_S * rate_hz), round(BLOCK_S * rate_hz)
    block = min(block, len(weighted))
    sums = np.concatenate([[0.0], np.cumsum(weighted**2, dtype=np.float64)])
    starts = np.arange(0, len(weighted) - block + 1, step)
    power: NDArray[np.float64] = (sums[starts + block] - sums[starts]) / max(block, 1)
    return power


def _k_weighted(samples: Samples, rate_hz: int) -> Samples:
    spectrum = np.fft.rfft(samples) * _k_gain(len(samples), rate_hz)
    return np.fft.irfft(spectrum, len(samples)).astype(np.float32)


@lru_cache(maxsize=4)
def _k_gain(n_samples: int, rate_hz: int) -> NDArray[np.float32]:
    """Return the gain of the two filters of the standard, in their analogue form."""
    frequency_hz = np.fft.rfftfreq(n_samples, 1 / rate_hz)
    s = 1j * frequency_hz / _SHELF_HZ
    high = 10 ** (_SHELF_DB / 20)
    band = high**0.4996667741545416
    shelf = (high * s**2 + band * s / _SHELF_Q + 1) / (s**2 + s / _SHELF_Q + 1)
    s = 1j * frequency_hz / _HIGH_PASS_HZ
    high_pass = s**2 / (s**2 + s / _HIGH_PASS_Q + 1)
    gain: NDArray[np.float32] = np.abs(shelf * high_pass).astype(np.float32)
    return gain
