"""A clip to measure with, where none is at hand."""

import io
from functools import cache

import numpy as np
import soundfile

CLIP_DURATION_S = 30
CLIP_RATE_HZ = 44_100


@cache
def synthetic_mp3() -> bytes:
    """Return 30 s of stereo MP3 with tones and noise; silence would decode too fast."""
    rng = np.random.default_rng(0)
    t = np.arange(CLIP_DURATION_S * CLIP_RATE_HZ) / CLIP_RATE_HZ
    tones = sum(np.sin(2 * np.pi * f * t) for f in (110, 277, 415, 880, 3520))
    stereo = 0.1 * np.stack([tones, tones], axis=1) + 0.05 * rng.standard_normal((len(t), 2))
    file = io.BytesIO()
    soundfile.write(file, stereo.astype(np.float32), CLIP_RATE_HZ, format="MP3")
    return file.getvalue()
