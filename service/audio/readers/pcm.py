"""Read the samples of a WAV that stand there as they are; no decoder is faster than none."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from service.audio import mpeg, riff
from service.audio.readers.source import BLOCK_FRAMES, Samples
from service.audio.riff import PCM, Chunk, Form

FLOAT = 3
HEAD_BYTES = 1 << 12  # in which the samples of a file that needs no mending begin
# By codec and bits: how NumPy calls the samples, and what brings them to [-1, 1].
_TYPES = {(PCM, 16): ("<i2", np.float32(2.0**-15)), (FLOAT, 32): ("<f4", None)}


def is_plain(form: Form) -> bool:
    """Tell whether the samples of a file in this form can be read as they are."""
    if (form.codec, form.bits) not in _TYPES:
        return False
    return form.channels > 0 and form.frame_bytes == form.channels * form.bits // 8


def open_plain(content: bytes | bytearray) -> "Callable[[], PcmSource] | None":
    """Return what opens a WAV of plain samples that ends as it says; None for any other file.

    However the file was made, this takes no longer than its first bytes do.
    """
    head = bytes(content[:HEAD_BYTES])
    behind_length = len(content) - riff.CHUNK_HEADER_BYTES
    is_one = int.from_bytes(head[4:8], "little") == behind_length
    if not (is_one and head[:4] == b"RIFF" and head[8:12] == b"WAVE"):
        return None
    wav = riff.read_wav(head)
    if wav.form is None or not (wav.form_is_whole and is_plain(wav.form) and wav.data):
        return None
    begin, n_bytes = wav.data[0].begin, wav.data[0].stated_bytes
    is_last = begin + n_bytes == len(content)
    beginning = bytes(content[begin : begin + mpeg.SURE_BYTES])
    if not (is_last and wav.is_regular) or mpeg.begins_at(beginning, 0):
        return None
    samples = Chunk(b"data", begin, n_bytes, n_bytes)
    return partial(PcmSource, content, wav.form, samples, cut_off=False)


class PcmSource:
    """Plain samples; see :class:`service.audio.readers.source.Source`.

    Parameters
    ----------
    content
        The file.
    form
        Its form, which is plain.
    samples
        Where in the file the samples are.
    cut_off
        Whether the file ends before its own end.
    """

    def __init__(
        self, content: bytes | bytearray, form: Form, samples: Chunk, *, cut_off: bool
    ) -> None:
        self.format = "wav"
        self.sample_rate_hz = form.rate_hz
        self.channels = form.channels
        self.cut_off = cut_off
        self.damaged_s = 0.0
        kind, self._scale = _TYPES[form.codec, form.bits]
        n_frames = samples.n_bytes // form.frame_bytes
        whole = np.frombuffer(content, kind, n_frames * form.channels, samples.begin)
        self._frames = whole.reshape(n_frames, form.channels)
        self.n_frames = n_frames
        self._at = 0
        self.stated_s = n_frames / form.rate_hz if form.rate_hz else 0.0

    def seek(self, frame: int) -> int:
        """Go to a sample."""
        self._at = min(frame, len(self._frames))
        return self._at

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples from there to the end."""
        for at in range(self._at, len(self._frames), BLOCK_FRAMES):
            # Channel by channel in memory, as they are measured.
            block = self._frames[at : at + BLOCK_FRAMES].astype(np.float32, order="F")
            yield block if self._scale is None else np.multiply(block, self._scale, out=block)

    def close(self) -> None:
        """Let go of the file."""
