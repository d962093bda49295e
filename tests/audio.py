"""Synthesise waveforms with a known answer and encode them as audio files."""

import io
from dataclasses import dataclass

import av
import numpy as np
import soundfile
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from numpy.typing import NDArray

from service.audio import mpeg

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
    endian: str | None = None,
) -> bytes:
    """Return the bytes of an audio file."""
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format=container, subtype=subtype, endian=endian)
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


@dataclass(frozen=True)
class Muxing:
    """One way to write a file by FFmpeg, in its words."""

    muxer: str
    codec: str
    rate_hz: int = RATE_HZ
    options: tuple[tuple[str, str], ...] = ()
    container_options: tuple[tuple[str, str], ...] = ()


# By the name that the service gives the format; of those that libsndfile does not write.
MUXINGS = {
    "m4a": ("mp4", Muxing("ipod", "aac")),
    "alac": ("mp4", Muxing("ipod", "alac")),
    "mov": ("mp4", Muxing("mov", "pcm_s16le")),
    "3gp": ("mp4", Muxing("3gp", "libopencore_amrnb", 8_000)),
    "aac": ("aac", Muxing("adts", "aac")),
    "webm": ("matroska", Muxing("webm", "libopus", 48_000)),
    "mkv": ("matroska", Muxing("matroska", "flac")),
    "wma": ("wma", Muxing("asf", "wmav2", options=(("b", "128000"),))),
    "amr": ("amr", Muxing("amr", "libopencore_amrnb", 8_000)),
    "ac3": ("ac3", Muxing("ac3", "ac3")),
    "eac3": ("ac3", Muxing("eac3", "eac3")),
    "mp2": ("mp2", Muxing("mp2", "mp2")),
    "wavpack": ("wavpack", Muxing("wv", "wavpack")),
    "tta": ("tta", Muxing("tta", "tta")),
    "oga": ("flac", Muxing("ogg", "flac")),
}


def mux(samples: Waveform, muxing: Muxing) -> bytes:
    """Return the bytes of a file that FFmpeg writes."""
    interleaved = samples if samples.ndim == 2 else samples[:, np.newaxis]
    file = io.BytesIO()
    options = dict(muxing.container_options)
    with av.open(file, "w", format=muxing.muxer, container_options=options) as container:
        layout = "mono" if interleaved.shape[1] == 1 else "stereo"
        stream = container.add_stream(muxing.codec, rate=muxing.rate_hz)
        assert isinstance(stream, AudioStream)
        stream.codec_context.layout = layout
        stream.codec_context.options = dict(muxing.options)
        packed = np.ascontiguousarray(interleaved, dtype=np.float32).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, format="flt", layout=layout)
        frame.sample_rate, frame.pts = muxing.rate_hz, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def varying_mp3(samples: Waveform, rate_hz: int = RATE_HZ, *, info: bool = True) -> bytes:
    """Return an MP3 of varying bit rate, with the frame that states its length or without it.

    Encoders whose output is piped cannot go back to write that frame.
    """
    file = io.BytesIO()
    channels = 1 if samples.ndim == 1 else samples.shape[1]
    with soundfile.SoundFile(
        file,
        "w",
        rate_hz,
        channels,
        format="MP3",
        bitrate_mode="VARIABLE",
        compression_level=0.2,
    ) as sound:
        sound.write(samples)
    data = file.getvalue()
    return data if info else data[mpeg.frame_bytes(data, 0) :]
