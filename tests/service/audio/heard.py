"""What is heard of a file, and files whose headers state what is not there."""

import numpy as np

from tests.audio import Waveform, encode_as


def loudest_hz(samples: Waveform, rate_hz: int) -> float:
    return float(np.abs(np.fft.rfft(samples)).argmax() * rate_hz / len(samples))


def flac_stating(n_frames: int, samples: Waveform) -> bytes:
    """Encode as FLAC and overwrite the number of samples in its header (36 bits)."""
    data = bytearray(encode_as("flac", samples))
    fields = int.from_bytes(data[18:26], "big")
    data[18:26] = (fields >> 36 << 36 | n_frames).to_bytes(8, "big")
    return bytes(data)


def without_order(warnings: tuple[str, ...]) -> set[str]:
    return {warning.split(":")[0] for warning in warnings}
