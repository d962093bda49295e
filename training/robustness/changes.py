"""Changes to a recording that leave what is heard in it the same.

Each takes a mono waveform and gives the bytes of an audio file, as a client would send it.
"""

import io
from collections.abc import Callable
from functools import partial

import numpy as np
import soundfile
import soxr
from numpy.random import Generator
from numpy.typing import NDArray

from service.audio.decode import Samples
from training.data.cuts import cut

PHONE_RATE_HZ = 16_000
MP3_BITRATE_KBPS = 64
MP3_RATE_HZ = 44_100
LARGEST_INTEGER = 32_768
OFFSET = 0.4
TINY = 1e-9
# libsndfile maps its compression level evenly to the bit rates of MPEG-1 Layer III.
MP3_SLOWEST_KBPS, MP3_FASTEST_KBPS = 32, 320

# Waveform of shape [n_samples], its sampling rate, randomness; the bytes of a file.
Change = Callable[[Samples, int, Generator], bytes]


def quieter(samples: Samples, sample_rate_hz: int, rng: Generator, *, by_db: float) -> bytes:  # noqa: ARG001
    """Lower the level, in a file of 16 bits."""
    return _wav(samples * np.float32(10 ** (-by_db / 20)), sample_rate_hz)


def louder(samples: Samples, sample_rate_hz: int, rng: Generator, *, by_db: float) -> bytes:  # noqa: ARG001
    """Raise the level, in a file of floats, which may go beyond full scale."""
    return _wav(samples * np.float32(10 ** (by_db / 20)), sample_rate_hz, "FLOAT")


def clipped(samples: Samples, sample_rate_hz: int, rng: Generator, *, by_db: float) -> bytes:  # noqa: ARG001
    """Raise the loudest sample so far above full scale that it does not fit into 16 bits."""
    peak = max(float(np.abs(samples).max(initial=0.0)), TINY)
    return _wav(samples / np.float32(peak) * np.float32(10 ** (by_db / 20)), sample_rate_hz)


def off_centre(samples: Samples, sample_rate_hz: int, rng: Generator, *, by: float) -> bytes:  # noqa: ARG001
    """Add a constant to all samples, as a cheap sound card does."""
    return _wav(samples + np.float32(by), sample_rate_hz, "FLOAT")


def one_of(samples: Samples, sample_rate_hz: int, rng: Generator, *, channels: int) -> bytes:  # noqa: ARG001
    """Record it on one of several channels; the others are silent."""
    silence = np.zeros((len(samples), channels - 1), np.float32)
    return _wav(np.column_stack([samples, silence]), sample_rate_hz)


def at_rate(samples: Samples, sample_rate_hz: int, rng: Generator, *, to_hz: int) -> bytes:  # noqa: ARG001
    """Resample."""
    return _wav(soxr.resample(samples, sample_rate_hz, to_hz), to_hz)


def as_mp3(samples: Samples, sample_rate_hz: int, rng: Generator, *, kbps: int) -> bytes:  # noqa: ARG001
    """Encode as an MP3 of constant bit rate."""
    level = (MP3_FASTEST_KBPS - kbps) / (MP3_FASTEST_KBPS - MP3_SLOWEST_KBPS)
    file = io.BytesIO()
    soundfile.write(
        file,
        soxr.resample(samples, sample_rate_hz, MP3_RATE_HZ),
        MP3_RATE_HZ,
        format="MP3",
        subtype="MPEG_LAYER_III",
        compression_level=level,
        bitrate_mode="CONSTANT",
    )
    return file.getvalue()


def noisy(samples: Samples, sample_rate_hz: int, rng: Generator, *, snr_db: float) -> bytes:
    """Add white noise so far below the sound."""
    level = np.sqrt(np.mean(samples.astype(np.float64) ** 2)) * 10 ** (-snr_db / 20)
    noise = level * rng.standard_normal(len(samples))
    return _wav((samples + noise).astype(np.float32), sample_rate_hz)


def retuned(samples: Samples, sample_rate_hz: int, rng: Generator, *, cents: float) -> bytes:  # noqa: ARG001
    """Play faster, and so higher, or slower."""
    tuned = soxr.resample(samples, sample_rate_hz * 2 ** (cents / 1200), sample_rate_hz)
    return _wav(tuned, sample_rate_hz)


def shortened(
    samples: Samples,
    sample_rate_hz: int,
    rng: Generator,  # noqa: ARG001
    *,
    to_s: float,
) -> bytes:
    """Keep the beginning, from where it sounds."""
    return _wav(cut(samples, sample_rate_hz, to_s), sample_rate_hz)


CHANGES: dict[str, Change] = {
    "as it is": partial(quieter, by_db=0.0),
    "6 dB louder": partial(louder, by_db=6.0),
    "6 dB quieter": partial(quieter, by_db=6.0),
    "20 dB quieter": partial(quieter, by_db=20.0),
    "30 dB quieter": partial(quieter, by_db=30.0),
    "60 dB quieter": partial(quieter, by_db=60.0),
    "integers in a file of floats": partial(louder, by_db=20 * np.log10(LARGEST_INTEGER)),
    "offset of 0.4": partial(off_centre, by=OFFSET),
    "clipped by 6 dB": partial(clipped, by_db=6.0),
    "one of eight channels": partial(one_of, channels=8),
    "16 kHz": partial(at_rate, to_hz=PHONE_RATE_HZ),
    "MP3 at 64 kbit/s": partial(as_mp3, kbps=MP3_BITRATE_KBPS),
    "noise at 20 dB": partial(noisy, snr_db=20.0),
    "30 cents higher": partial(retuned, cents=30.0),
    "30 cents lower": partial(retuned, cents=-30.0),
    "first 10 s": partial(shortened, to_s=10.0),
    "first 3 s": partial(shortened, to_s=3.0),
    "first 0.5 s": partial(shortened, to_s=0.5),
}
UNCHANGED = next(iter(CHANGES))


def _wav(samples: NDArray[np.float32], sample_rate_hz: int, subtype: str = "PCM_16") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, samples, sample_rate_hz, format="WAV", subtype=subtype)
    return file.getvalue()
