"""What clients of a stream say and get, for several test modules."""

from typing import Any

import numpy as np

from service.streaming.protocol import StreamStart
from tests.audio import Waveform
from tests.bundles import SAMPLE_RATE_HZ

START = StreamStart(sample_rate_hz=SAMPLE_RATE_HZ, channels=1, encoding="pcm_f32le")
START_JSON: dict[str, Any] = START.model_dump()
FRAME_BYTES = START.frame_bytes


def floats(samples: Waveform) -> bytes:
    """Return samples as a stream's bytes, pcm_f32le."""
    return samples.astype("<f4").tobytes()


def integers(samples: Waveform) -> bytes:
    """Return samples as a stream's bytes, pcm_s16le."""
    return np.round(samples * 32_767).astype("<i2").tobytes()


def pieces(data: bytes, size: int) -> list[bytes]:
    """Cut bytes into pieces of one size."""
    return [data[start : start + size] for start in range(0, len(data), size)]
