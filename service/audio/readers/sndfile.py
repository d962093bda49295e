"""Read what libsndfile reads well: it is fast, and right where the file is."""

import io
from collections.abc import Iterator

import soundfile

from service.audio.readers.source import BLOCK_FRAMES, Samples, Unreadable

DELAY_S = 0.05  # what a codec may leave out at the beginning of what it counts
UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's word for a header that states no length


class _Bytes(io.BytesIO):
    """Stays where it is when a broken header sends it to before the beginning.

    libsndfile notices that it did not move; an exception it could not see.
    """

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


class ForwardSoundFile(soundfile.SoundFile):  # type: ignore[misc]  # soundfile has no types
    """Reads without seeking.

    soundfile seeks to where it already is after each read of a seekable file, and an MP3
    decoder that seeks loses its bit reservoir: every block would begin with a glitch.
    """

    def seekable(self) -> bool:
        """Say that it cannot seek, which is what soundfile asks before it does."""
        return False


class SndFileSource:
    """A file that libsndfile reads; see :class:`service.audio.readers.source.Source`.

    Parameters
    ----------
    data
        The file.
    name
        Name of the format.
    stated_s, cut_off
        What is known already; without a stated length, libsndfile's is taken.
    least_samples, counted_in_hz
        How many samples there are at least, and the rate at which they are counted if it is not
        that of the file; what is missing of them is damage.
    seek_in
        The file as it is, where it is read without its length but cannot be sought in without.

    Raises
    ------
    Unreadable
        libsndfile cannot open it.
    """

    def __init__(
        self,
        data: bytes,
        name: str,
        *,
        stated_s: float | None = None,
        cut_off: bool = False,
        least_samples: int = 0,
        counted_in_hz: int | None = None,
        seek_in: bytes | None = None,
    ) -> None:
        self._sound = _opened(data)
        self._seek_in = seek_in
        self._least_s = least_samples / (counted_in_hz or self._sound.samplerate)
        self.format = name
        self.sample_rate_hz: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        self.cut_off = cut_off
        self.damaged_s = 0.0
        self.n_frames = 0 if self._sound.frames == UNKNOWN_FRAMES else int(self._sound.frames)
        self.stated_s = self.n_frames / self.sample_rate_hz if stated_s is None else stated_s

    def seek(self, frame: int) -> int:
        """Go to a sample; the beginning, where the file cannot be sought in."""
        self._least_s = 0.0
        if self._seek_in is not None:
            self._sound.close()
            self._sound = _opened(self._seek_in)
        if self._sound.frames == UNKNOWN_FRAMES:
            return 0
        try:
            return int(self._sound.seek(min(frame, self._sound.frames)))
        except soundfile.LibsndfileError as error:
            raise Unreadable(str(error.error_string)) from error

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples from there to the end."""
        n_frames = 0
        try:
            while len(block := self._sound.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                n_frames += len(block)
                yield block
        except soundfile.LibsndfileError as error:
            raise Unreadable(str(error.error_string)) from error
        missing_s = self._least_s - n_frames / self.sample_rate_hz
        if missing_s > DELAY_S:
            self.damaged_s += missing_s

    def close(self) -> None:
        """Let go of the file."""
        self._sound.close()


def _opened(data: bytes) -> ForwardSoundFile:
    try:
        return ForwardSoundFile(_Bytes(data))
    except soundfile.LibsndfileError as error:
        raise Unreadable(str(error.error_string)) from error
