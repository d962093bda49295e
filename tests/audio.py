"""Synthesise waveforms with a known answer and encode them as audio files."""

import io
from dataclasses import dataclass

import numpy as np
import soundfile
from numpy.typing import NDArray

Waveform = NDArray[np.float32]  # [n_samples] or [n_samples, channels]

RATE_HZ = 44_100


@dataclass(frozen=True)
class Encoding:
    """One way to write a file, in libsndfile's words, and what it costs in accuracy."""

    container: str
    subtype: str
    rate_hz: int = RATE_HZ
    tolerance: float = 1e-4


# By the name that the service gives the format.
ENCODINGS = {
    "wav": Encoding("WAV", "PCM_16"),
    "flac": Encoding("FLAC", "PCM_16"),
    "aiff": Encoding("AIFF", "PCM_16"),
    "ogg": Encoding("OGG", "VORBIS", tolerance=0.05),
    "opus": Encoding("OGG", "OPUS", rate_hz=48_000, tolerance=0.05),
    "mp3": Encoding("MP3", "MPEG_LAYER_III", tolerance=0.05),
}


def tone(
    frequency_hz: float = 440.0,
    duration_s: float = 2.0,
    *,
    rate_hz: int = RATE_HZ,
    amplitude: float = 0.5,
) -> Waveform:
    """Return a sine wave."""
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return (amplitude * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def noise(
    duration_s: float = 2.0, *, rate_hz: int = RATE_HZ, amplitude: float = 0.5, seed: int = 0
) -> Waveform:
    """Return white noise, uniform between plus and minus the amplitude."""
    random = np.random.default_rng(seed)
    return random.uniform(-amplitude, amplitude, round(duration_s * rate_hz)).astype(np.float32)


def stereo(left: Waveform, right: Waveform) -> Waveform:
    """Return two mono waveforms as one of two channels."""
    return np.stack([left, right], axis=1)


def encode(
    samples: Waveform,
    rate_hz: int = RATE_HZ,
    *,
    container: str = "WAV",
    subtype: str | None = None,
) -> bytes:
    """Return the bytes of an audio file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype)
    return file.getvalue()


def encode_as(name: str, samples: Waveform, rate_hz: int | None = None) -> bytes:
    """Return the bytes of an audio file in one of the formats of ``ENCODINGS``."""
    encoding = ENCODINGS[name]
    return encode(
        samples,
        rate_hz or encoding.rate_hz,
        container=encoding.container,
        subtype=encoding.subtype,
    )
