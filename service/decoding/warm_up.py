"""Load and use everything once, since a decoder can open nothing after it is locked up."""

import io

import numpy as np
import soundfile

from service.audio.decode import decode

RATE_HZ = 8000


def warm_up(*, with_ffmpeg: bool) -> None:
    """Decode a second of silence with each library, and bring it to another rate."""
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(RATE_HZ, np.float32), RATE_HZ, format="FLAC")
    decode(silence.getvalue(), [RATE_HZ // 2])
    if with_ffmpeg:
        from service.audio.readers.ffmpeg import FFmpegSource  # noqa: PLC0415  # not without need

        source = FFmpegSource(silence.getvalue(), "flac", "flac")
        for _ in source.blocks():
            pass
        source.close()
