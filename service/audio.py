"""Decode an upload to one mono waveform, within limits, and judge its quality.

libsndfile reads the bytes from memory. A header can lie about the length, so the
samples are counted while they are decoded and never trusted beforehand.
"""

import io
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from service.errors import TooManySeconds, UnsupportedAudio, UnusableAudio

Samples = NDArray[np.float32]

BLOCK_FRAMES = 1 << 16
# Faster files are resampled while they are read: a small upload can hold minutes of silence
# at hundreds of kHz, and no model listens above half of this rate.
WORKING_RATE_HZ = 48_000
MIN_SAMPLE_RATE_HZ = 4_000
USUAL_SAMPLE_RATE_HZ = 44_100

# What libsndfile calls a container, and what the service calls it.
FORMATS = {
    "WAV": "wav",
    "WAVEX": "wav",
    "RF64": "wav",
    "FLAC": "flac",
    "MP3": "mp3",
    "MPEG": "mp3",
    "AIFF": "aiff",
}
OGG_SUBTYPES = {"VORBIS": "ogg", "OPUS": "opus"}
READABLE = "WAV, MP3, FLAC, OGG Vorbis, Opus or AIFF"

SILENCE_PEAK = 1e-4  # -80 dBFS
QUIET_PEAK = 0.01  # -40 dBFS
CLIPPED_LEVEL = 0.999
CLIPPED_SHARE = 1e-3
LARGE_OFFSET = 0.05
SHORT_CLIP_S = 1.0
LOW_SAMPLE_RATE_HZ = 16_000
CANCELLED_RATIO = 0.1
COMPLETE_SHARE = 0.95
STREAMED_BYTES = 0x7FFF0000  # encoders that cannot seek back state this length or a larger one
UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's word for a header that states no length
LARGEST_SAMPLE = 1e12  # the power of anything larger overflows in single precision


@dataclass(frozen=True)
class Limits:
    """What one upload may hold; the defaults are those of the settings."""

    min_duration_s: float = 0.1
    max_duration_s: float = 900.0
    max_channels: int = 32
    max_sample_rate_hz: int = 384_000


@dataclass(frozen=True)
class Clip:
    """One decoded recording.

    Attributes
    ----------
    samples
        Mono waveform, float32, shape [n_samples], nominally within [-1, 1].
    sample_rate_hz
        Sampling rate of ``samples``: that of the file, or ``WORKING_RATE_HZ`` if that is less.
    file_sample_rate_hz
        Sampling rate of the file.
    channels
        Number of channels before the mix to mono.
    format
        One of ``wav``, ``mp3``, ``flac``, ``ogg``, ``opus``, ``aiff``.
    warnings
        What may make the answer less trustworthy, in words for people.
    """

    samples: Samples
    sample_rate_hz: int
    file_sample_rate_hz: int
    channels: int
    format: str
    warnings: tuple[str, ...] = field(default=())

    @cached_property
    def silent(self) -> bool:
        """Whether there is no audible sound; measured once for all tasks."""
        return _peak(self.samples) < SILENCE_PEAK

    @property
    def duration_s(self) -> float:
        """Length in seconds, counted in samples that were really decoded."""
        return len(self.samples) / self.sample_rate_hz


def decode(data: bytes, limits: Limits | None = None) -> Clip:
    """Decode the bytes of an audio file.

    Parameters
    ----------
    data
        A whole WAV, MP3, FLAC, OGG Vorbis, Opus or AIFF file.
    limits
        Bounds, enforced while decoding.

    Raises
    ------
    UnsupportedAudio
        The bytes are in no format that the service reads.
    UnusableAudio
        The file is empty, broken, not finite, too short, or has too many channels or a sampling
        rate out of bounds.
    TooManySeconds
        It plays longer than ``limits.max_duration_s``.
    """
    limits = limits or Limits()
    if not data:
        raise UnusableAudio("The upload is empty. Send the bytes of an audio file.")
    try:
        with _ForwardSoundFile(_Bytes(data)) as sound:
            return _decode_open(sound, limits, cut_off=_is_cut_off(data))
    except soundfile.LibsndfileError as error:
        raise _undecodable(data, str(error.error_string)) from error


def resample(clip: Clip, sample_rate_hz: int) -> Samples:
    """Return the clip's waveform at another sampling rate, shape [n_samples]."""
    if sample_rate_hz == clip.sample_rate_hz:
        return clip.samples
    resampled = soxr.resample(clip.samples, clip.sample_rate_hz, sample_rate_hz)
    return np.asarray(resampled, dtype=np.float32)


class _Bytes(io.BytesIO):
    """Stays where it is when a broken header sends it to before the beginning.

    libsndfile notices that it did not move; an exception it could not see.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


class _ForwardSoundFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Reads without seeking.

    soundfile seeks to where it already is after each read of a seekable file, and an MP3
    decoder that seeks loses its bit reservoir: every block would begin with a glitch.
    """

    def seekable(self) -> bool:
        return False


def _decode_open(sound: soundfile.SoundFile, limits: Limits, *, cut_off: bool) -> Clip:
    format_name = _format_name(sound)
    rate_hz, channels = sound.samplerate, sound.channels
    if not MIN_SAMPLE_RATE_HZ <= rate_hz <= limits.max_sample_rate_hz:
        raise UnusableAudio(
            f"The sampling rate of {rate_hz} Hz is outside {MIN_SAMPLE_RATE_HZ} to "
            f"{limits.max_sample_rate_hz} Hz. Resample the file, for example to "
            f"{min(USUAL_SAMPLE_RATE_HZ, limits.max_sample_rate_hz)} Hz."
        )
    if channels > limits.max_channels:
        raise UnusableAudio(
            f"The file has {channels} channels; at most {limits.max_channels} are read. "
            f"Mix it to {'stereo or mono' if limits.max_channels > 1 else 'mono'}."
        )

    mono, loudest_channel_power = _read_mono(sound, limits)
    working_rate_hz = min(rate_hz, WORKING_RATE_HZ)
    duration_s = len(mono) / working_rate_hz
    if duration_s < limits.min_duration_s:
        raise UnusableAudio(
            f"The file holds {duration_s:.3f} s of audio; at least {limits.min_duration_s:g} s "
            "are needed. Check that it is not cut off or header-only."
        )
    stated_s = 0 if sound.frames == UNKNOWN_FRAMES else sound.frames / rate_hz
    truncated = cut_off or duration_s < COMPLETE_SHARE * stated_s
    warnings = _quality_warnings(mono, working_rate_hz, loudest_channel_power, truncated=truncated)
    return Clip(mono, working_rate_hz, rate_hz, channels, format_name, tuple(warnings))


def _format_name(sound: soundfile.SoundFile) -> str:
    name = OGG_SUBTYPES.get(sound.subtype) if sound.format == "OGG" else FORMATS.get(sound.format)
    if name is None:
        raise UnsupportedAudio(
            f"The upload is {sound.format} ({sound.subtype}); send {READABLE} instead."
        )
    return name


def _is_cut_off(data: bytes) -> bool:
    """Tell whether a WAV or AIFF file ends early: libsndfile hides it in ``sound.frames``."""
    if data[:4] == b"RF64":  # a WAV whose length has 64 bits, in a place of its own
        stated_bytes = int.from_bytes(data[20:28], "little")
    else:
        stated_bytes = int.from_bytes(data[4:8], "little" if data[:4] == b"RIFF" else "big")
    is_stated = data[:4] in (b"RIFF", b"RF64", b"FORM") and stated_bytes < STREAMED_BYTES
    return is_stated and len(data) < COMPLETE_SHARE * stated_bytes


def _read_mono(sound: soundfile.SoundFile, limits: Limits) -> tuple[Samples, float]:
    """Read block by block; return the mono mix and the power of the loudest channel."""
    max_frames = int(limits.max_duration_s * sound.samplerate)
    mix = np.full(sound.channels, 1 / sound.channels, dtype=np.float32)
    slow_down = _Resampler(sound.samplerate)
    blocks: list[Samples] = []
    channel_energy = np.zeros(sound.channels)
    n_frames = 0
    while True:
        block = sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        if not len(block):
            break
        n_frames += len(block)
        if n_frames > max_frames:
            raise TooManySeconds(
                f"The audio plays longer than {limits.max_duration_s:g} s. Send an excerpt."
            )
        # Written so that a NaN fails too.
        if not (block.max() <= LARGEST_SAMPLE and block.min() >= -LARGEST_SAMPLE):
            raise UnusableAudio(
                "The file holds samples that are not finite numbers (NaN or infinity) or beyond "
                f"{LARGEST_SAMPLE:g}."
            )
        # A matrix product mixes 50 times faster than mean(axis=1) on interleaved samples.
        mono = block[:, 0].copy() if sound.channels == 1 else block @ mix
        blocks.append(slow_down(mono))
        channel_energy += np.einsum("ij,ij->j", block, block)
    blocks.append(slow_down.rest())
    return np.concatenate(blocks), float(channel_energy.max() / max(n_frames, 1))


class _Resampler:
    """Brings blocks to the working rate, if the file's is higher."""

    def __init__(self, rate_hz: int) -> None:
        needed = rate_hz > WORKING_RATE_HZ
        self._stream = soxr.ResampleStream(rate_hz, WORKING_RATE_HZ, 1) if needed else None

    def __call__(self, block: Samples, *, last: bool = False) -> Samples:
        if self._stream is None:
            return block
        return np.asarray(self._stream.resample_chunk(block, last=last), dtype=np.float32)

    def rest(self) -> Samples:
        return self(np.zeros(0, dtype=np.float32), last=True)


def _peak(samples: Samples) -> float:
    return float(max(samples.max(initial=0.0), -samples.min(initial=0.0)))


def _quality_warnings(
    mono: Samples, rate_hz: int, loudest_channel_power: float, *, truncated: bool
) -> list[str]:
    peak = _peak(mono)
    power = float(np.dot(mono, mono)) / len(mono)
    duration_s = len(mono) / rate_hz
    found: list[str] = []
    if truncated:
        found.append("truncated: the file ends before the length its header states")
    if peak < SILENCE_PEAK:
        found.append("silent: there is no audible sound")
    elif peak < QUIET_PEAK:
        found.append("quiet: the peak is below -40 dBFS, so noise may dominate")
    if np.count_nonzero(np.abs(mono) >= CLIPPED_LEVEL) > CLIPPED_SHARE * len(mono):
        found.append("clipped: many samples sit at full scale, the recording was too loud")
    if abs(float(mono.mean())) > LARGE_OFFSET:
        found.append("dc_offset: the waveform is not centred on zero")
    if loudest_channel_power > SILENCE_PEAK**2 and power < CANCELLED_RATIO * loudest_channel_power:
        found.append("phase: the channels cancel each other when mixed to mono")
    if duration_s < SHORT_CLIP_S:
        found.append(f"short: only {duration_s:.2f} s, longer clips are judged better")
    if rate_hz < LOW_SAMPLE_RATE_HZ:
        found.append(f"low_sample_rate: {rate_hz} Hz, so high frequencies are missing")
    return found


# First bytes of files that people send often; libsndfile cannot name what it cannot read.
_KNOWN_MAGIC = (
    (8, b"WAVE", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (0, b"ID3", "mp3"),
    (0, b"\xff\xfb", "mp3"),
    (0, b"\xff\xf3", "mp3"),
    (0, b"\xff\xf2", "mp3"),
)
_FOREIGN_MAGIC = (
    (4, b"ftyp", "an MP4/M4A (AAC) file"),
    (0, b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
    (0, b"0&\xb2u", "a WMA file"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "compressed with gzip"),
    (8, b"AVI ", "an AVI video"),
    (8, b"WEBP", "a WebP picture"),
)


def _undecodable(data: bytes, reason: str) -> UnusableAudio | UnsupportedAudio:
    for offset, magic, name in _FOREIGN_MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return UnsupportedAudio(f"The upload is {name}; convert it to {READABLE}.")
    for offset, magic, name in _KNOWN_MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return UnusableAudio(f"The {name} file is broken and cannot be decoded: {reason}")
    return UnsupportedAudio(f"The upload is no audio that the service reads; send {READABLE}.")
