"""How loud a recording sounds, from its power spectrum (ITU-R BS.1770-5).

The recommendation filters the waveform by two biquads, "K", that stand for the head and for
what low frequencies count, and takes the mean power of blocks of 400 ms. A filter is a weight for
each bin of a spectrum, so where there is a spectrum already, loudness costs one more band.
"""

import math

import numpy as np
from numpy.typing import NDArray

BLOCK_S = 0.4
BLOCK_STEP_S = 0.1
# The recommendation says -70, for broadcasts; the service hears music that is much quieter.
ABSOLUTE_GATE_LUFS = -90.0
RELATIVE_GATE_LU = -10.0

# A full-scale sine of 997 Hz in one channel has -3.01 LUFS.
_OFFSET_LU = -0.691
# Numerators and denominators of the two filters, as they are published for 48 kHz.
_PUBLISHED_RATE_HZ = 48_000
_K_FILTERS = (
    (
        (1.53512485958697, -2.69169618940638, 1.19839281085285),
        (1.0, -1.69065929318241, 0.73248077421585),
    ),
    ((1.0, -2.0, 1.0), (1.0, -1.99004745483398, 0.99007225036621)),
)


def k_weights(frequencies_hz: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what power at some frequencies counts, shape [frequencies]."""
    delay = np.exp(-2j * np.pi * frequencies_hz / _PUBLISHED_RATE_HZ)
    weights = np.ones(len(frequencies_hz))
    for numerator, denominator in _K_FILTERS:
        response = np.polyval(numerator[::-1], delay) / np.polyval(denominator[::-1], delay)
        weights *= np.abs(response) ** 2
    return weights


def frame_weights(window: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float32]:
    """Return the weights that turn a frame's power spectrum into its K-weighted mean square.

    Parameters
    ----------
    window
        What frames are multiplied by before the real FFT, shape [fft_samples], an even number.
    sample_rate_hz
        Of the waveform.

    Returns
    -------
    ndarray
        Shape [fft_samples // 2 + 1].
    """
    n = len(window)
    sides = np.full(n // 2 + 1, 2.0)  # of the spectrum, of which only one is computed
    sides[0] = 1.0
    sides[-1] = 1.0
    energy = float(np.sum(window.astype(np.float64) ** 2))
    frequencies_hz = np.linspace(0.0, sample_rate_hz / 2, n // 2 + 1, dtype=np.float64)
    weights = np.multiply(sides / (n * energy), k_weights(frequencies_hz), dtype=np.float64)
    return weights.astype(np.float32)


def gated_loudness_lufs(mean_squares: NDArray[np.floating], hop_s: float) -> float | None:
    """Return the loudness of a recording, which silent and quiet stretches do not lower.

    Parameters
    ----------
    mean_squares
        K-weighted mean square of each frame, shape [frames].
    hop_s
        Distance between frames in seconds.

    Returns
    -------
    float or None
        None for a recording that is silent throughout.
    """
    blocks = _block_means(np.asarray(mean_squares, np.float64), hop_s)
    heard = blocks[blocks > _mean_square(ABSOLUTE_GATE_LUFS)]
    if not len(heard):
        return None
    loud = heard[heard > heard.mean() * 10 ** (RELATIVE_GATE_LU / 10)]
    return _OFFSET_LU + 10 * math.log10(float(loud.mean()))


def _block_means(mean_squares: NDArray[np.float64], hop_s: float) -> NDArray[np.float64]:
    """Return the mean of each block, to the nearest frame; of a short recording the whole."""
    frames = round(BLOCK_S / hop_s)
    if len(mean_squares) <= frames:
        return np.array([mean_squares.mean()])
    n_blocks = 1 + int((len(mean_squares) - frames) * hop_s / BLOCK_STEP_S)
    starts = np.round(np.arange(n_blocks) * BLOCK_STEP_S / hop_s).astype(int)
    total = np.concatenate([[0.0], np.cumsum(mean_squares)])
    means: NDArray[np.float64] = (total[starts + frames] - total[starts]) / frames
    return means


def _mean_square(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_LU) / 10))
