"""What is rendered: one channel of samples."""

import numpy as np
from numpy.typing import NDArray

Waveform = NDArray[np.float32]


def normalised(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a sound with its peak at 1; silence as it is."""
    return x / max(float(np.abs(x).max(initial=0.0)), 1e-9)
