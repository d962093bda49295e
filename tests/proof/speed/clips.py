"""The files to measure with, all synthesised."""

import io

import numpy as np
import soundfile

from service.audio.mpeg import frame_bytes
from service.audio.synthetic import CLIP_DURATION_S, synthetic_mp3

FAST_RATE_HZ = 192_000
FAST_BLOCK_S = 5


def as_wav(data: bytes) -> bytes:
    """Return a file as WAV of 16 bits."""
    samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    file = io.BytesIO()
    soundfile.write(file, samples, rate_hz, format="WAV", subtype="PCM_16")
    return file.getvalue()


def long_mp3(duration_s: float) -> bytes:
    """Return an MP3 of some length: that of 30 s again and again, by whole frames."""
    clip = synthetic_mp3()
    frames = clip[frame_bytes(clip, 0) :]  # without the one that states how many there are
    ends = [0]
    while length := frame_bytes(frames, ends[-1]):
        ends.append(ends[-1] + length)
    n_frames = max(1, round(duration_s / CLIP_DURATION_S * (len(ends) - 1)))
    whole, rest = divmod(n_frames, len(ends) - 1)
    return frames[: ends[-1]] * whole + frames[: ends[rest]]


def fast_flac(duration_s: float) -> bytes:
    """Return a stereo FLAC of 192 kHz: tones over noise of a few bits, so that it stays small."""
    t = np.arange(FAST_BLOCK_S * FAST_RATE_HZ) / FAST_RATE_HZ
    tone = 0.3 * np.sin(2 * np.pi * 440 * t)
    block = np.stack([tone, 0.5 * tone], axis=1).astype(np.float32)
    file = io.BytesIO()
    with soundfile.SoundFile(file, "w", FAST_RATE_HZ, 2, "PCM_16", format="FLAC") as sound:
        for _ in range(round(duration_s / FAST_BLOCK_S)):
            sound.write(block)
    return file.getvalue()
