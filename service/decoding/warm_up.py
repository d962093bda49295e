"""Decode something once, so that the libraries open what they open at their first use."""

import io

import numpy as np
import soundfile

from service.audio.decode import decode

RATE_HZ = 8000


def warm_up() -> None:
    """Decode a second of silence and bring it to another rate."""
    file = io.BytesIO()
    soundfile.write(file, np.zeros(RATE_HZ, np.float32), RATE_HZ, format="FLAC")
    decode(file.getvalue(), [RATE_HZ // 2])
