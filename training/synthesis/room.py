"""A room: what it answers to a sound."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

QUICKEST_DECAY_S = 0.03


def echoes(
    x: NDArray[np.float64], rate_hz: int, rng: Generator, *, tail_s: float, slowest_decay_s: float
) -> NDArray[np.float64]:
    """Return the echoes of a waveform, shape [n_samples], in a random room.

    The room's response is noise that dies away exponentially, of unit energy.

    Parameters
    ----------
    x, rate_hz
        The waveform.
    rng
        Draws the room.
    tail_s
        Length of the response.
    slowest_decay_s
        Longest time in which it falls to 1/e; the shortest is :data:`QUICKEST_DECAY_S`.
    """
    t = np.arange(int(tail_s * rate_hz)) / rate_hz
    tail = rng.standard_normal(len(t)) * np.exp(-t / rng.uniform(QUICKEST_DECAY_S, slowest_decay_s))
    tail /= np.sqrt(np.sum(tail**2))
    size = len(x) + len(tail)
    return np.fft.irfft(np.fft.rfft(x, size) * np.fft.rfft(tail, size), size)[: len(x)]
