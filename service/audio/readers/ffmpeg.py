"""Read by FFmpeg what libsndfile does not read, or not well.

FFmpeg knows hundreds of formats, and some of them open other files. So the format is named
and never guessed, only the decoders of the list are opened, and there is no other file.
"""

import io
import re
from collections.abc import Iterator
from itertools import chain
from math import inf
from typing import Any, NoReturn

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer

from service.audio.formats import FORMATS
from service.audio.readers.source import BLOCK_FRAMES, Samples, Unreadable
from service.errors import UnsupportedAudio

# FFmpeg's names of the decoders that may be opened.
DECODERS = frozenset(
    """
    aac aac_latm ac3 adpcm_ima_qt adpcm_ima_wav adpcm_ms alac amrnb amrwb eac3 flac gsm gsm_ms
    mp1 mp1float mp2 mp2float mp3 mp3float opus pcm_alaw pcm_f32be pcm_f32le pcm_f64be pcm_f64le
    pcm_mulaw pcm_s16be pcm_s16le pcm_s24be pcm_s24le pcm_s32be pcm_s32le pcm_s8
    pcm_u8 qcelp qdm2 speex tta vorbis wavpack wmalossless wmapro wmav1 wmav2 wmavoice
    """.split()  # noqa: SIM905  # one name a line would take a screen
)
# What brings samples to [-1, 1], by NumPy's name of their type; those of one byte have no sign.
SCALES = {"uint8": 2.0**-7, "int16": 2.0**-15, "int32": 2.0**-31, "int64": 2.0**-63}
# Demuxers that find the place of a time, and know how long a file is instead of guessing.
INDEXED = frozenset({"mov", "matroska", "flac", "tta", "wv", "asf"})
# By demuxer, the gap between two frames from which on it is damage. Codecs of speech leave up to
# 0.4 s out where nobody speaks, and the sound of a video may pause.
ROUNDING_S = 1e-6
DAMAGING_GAP_S = {"flac": 0.0, "wv": ROUNDING_S, "asf": 0.1, "ogg": 0.5, "matroska": 0.5}
DURATION_ELEMENT = re.compile(rb"\x44\x89[\x84\x88]")  # of Matroska, and its length
DURATION_WITHIN_BYTES = 1 << 16
PREROLL_S = 0.25  # what decoders need to hear before they are right
OPTIONS = {
    "codec_whitelist": ",".join(sorted(DECODERS)),
    "protocol_whitelist": "",
}
DECODER_OPTIONS = {"err_detect": "crccheck+explode"}  # a wrong frame is left out, not guessed

av.logging.set_level(None)  # what it writes holds bytes of the upload


class FFmpegSource:
    """A file that FFmpeg reads; see :class:`service.audio.readers.source.Source`.

    Parameters
    ----------
    data
        The file.
    name
        Name of the format.
    demuxer
        FFmpeg's name of the container.
    cut_off
        Whether the file is known to end before its own end.

    Raises
    ------
    Unreadable
        FFmpeg can make nothing of it.
    UnsupportedAudio
        It holds no sound, or that of a codec that is not on the list.
    """

    def __init__(self, data: bytes, name: str, demuxer: str, *, cut_off: bool = False) -> None:
        self.format = name
        self.n_frames = 0
        self.cut_off = cut_off
        self.damaged_s = 0.0
        self._demuxer = demuxer
        # Where a recorder wrote none, as it could not go back, FFmpeg guesses from the bit rate.
        self._states_duration = demuxer != "matroska" or bool(
            DURATION_ELEMENT.search(data, 0, DURATION_WITHIN_BYTES)
        )
        self._resampler: AudioResampler | None = None
        self._container = _opened(data, demuxer)
        try:
            self._stream = _sound_of(self._container, name)
            self._stream.codec_context.thread_count = 1
            self._stream.codec_context.options = DECODER_OPTIONS
            # Only a decoded frame tells the rate: HE-AAC announces half of it.
            first = self._start()
        except BaseException:
            self._container.close()
            raise
        self.sample_rate_hz, self.channels = first.sample_rate, first.layout.nb_channels
        self._format, self._layout = first.format.name, first.layout.name
        self._start_s = first.time or 0.0
        self.stated_s = self._stated_s()

    def seek(self, frame: int) -> int:
        """Go to shortly before a sample; nowhere in a file without times that can be relied on."""
        aim_s = frame / self.sample_rate_hz - PREROLL_S
        if self._demuxer not in INDEXED or aim_s <= 0:
            return 0
        try:
            self._container.seek(round((self._start_s + aim_s) * av.time_base))
        except av.error.FFmpegError as error:
            raise Unreadable("it cannot be sought in") from error
        self.damaged_s = 0.0
        reached_s = (self._start().time or 0.0) - self._start_s
        return min(max(round(reached_s * self.sample_rate_hz), 0), frame)

    def blocks(self) -> Iterator[Samples]:
        """Yield the samples from there to the end."""
        waiting: list[Samples] = []
        n_waiting = 0
        for frame in self._frames:
            for alike in self._conformed(frame):
                waiting.append(_samples(alike, self.channels))
                n_waiting += len(waiting[-1])
            if n_waiting >= BLOCK_FRAMES:
                yield np.concatenate(waiting)
                waiting, n_waiting = [], 0
        if waiting:
            yield np.concatenate(waiting)

    def close(self) -> None:
        """Let go of the file."""
        self._container.close()

    def _start(self) -> AudioFrame:
        """Begin to decode where the container is, and return the first frame without taking it."""
        frames = self._decoded()
        first = next(frames, None)
        if first is None:
            codec = self._stream.codec_context.codec.long_name
            raise Unreadable(f"nothing of its sound ({codec}) can be decoded")
        self._frames = chain([first], frames)
        return first

    def _decoded(self) -> Iterator[AudioFrame]:
        """Yield what can be decoded, and note how long the rest would have been."""
        damaging_gap_s = self._damaging_gap_s()
        end_s: float | None = None
        told_s = 0.0  # what has been noted since the last frame
        for packet in self._packets():
            try:
                frames = packet.decode()
            except av.error.FFmpegError:
                if damaging_gap_s > 0 and packet.duration and packet.time_base:
                    told_s += float(packet.duration * packet.time_base)
                    self.damaged_s += float(packet.duration * packet.time_base)
                continue
            for frame in frames:
                if not isinstance(frame, AudioFrame) or not frame.samples or not frame.sample_rate:
                    continue
                if end_s is not None and frame.time is not None:
                    gap_s = frame.time - end_s - told_s
                    self.damaged_s += gap_s if gap_s > damaging_gap_s else 0.0
                yield frame
                begin_s = end_s if frame.time is None else frame.time
                end_s = (begin_s or 0.0) + frame.samples / frame.sample_rate
                told_s = 0.0

    def _damaging_gap_s(self) -> float:
        if self._demuxer == "matroska" and len(self._container.streams) > 1:
            return inf
        if self._demuxer == "ogg" and self._stream.codec_context.name == "flac":
            return ROUNDING_S
        return DAMAGING_GAP_S.get(self._demuxer, inf)

    def _packets(self) -> Iterator[Any]:
        try:
            yield from self._container.demux(self._stream)
        except av.error.FFmpegError:
            self.cut_off = True  # it is not legible any further

    def _conformed(self, frame: AudioFrame) -> list[AudioFrame]:
        """Bring a frame to the form of the first one, where a stream changes on its way."""
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if form == (self._format, self._layout, self.sample_rate_hz):
            return [frame]
        if self._resampler is None:
            self._resampler = AudioResampler(self._format, self._layout, self.sample_rate_hz)
        frame.pts = None
        try:
            return self._resampler.resample(frame)
        except (av.error.FFmpegError, ValueError) as error:
            raise Unreadable("it changes to another rate or number of channels") from error

    def _stated_s(self) -> float:
        if self._demuxer not in INDEXED or not self._states_duration:
            return 0.0
        stream = self._stream
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        is_only = len(self._container.streams) == 1
        return (self._container.duration or 0) / av.time_base if is_only else 0.0


def _opened(data: bytes, demuxer: str) -> InputContainer:
    try:
        return av.open(
            io.BytesIO(data),
            "r",
            format=demuxer,
            options=OPTIONS,
            metadata_errors="replace",
            io_open=_refuse,
        )
    except (av.error.FFmpegError, ValueError) as error:
        raise Unreadable(getattr(error, "strerror", None) or "it cannot be opened") from error


def _refuse(*_: Any) -> NoReturn:
    raise Unreadable("it names another file, and an upload may open none")


def _sound_of(container: InputContainer, name: str) -> AudioStream:
    """Return the stream to listen to."""
    streams = container.streams.audio
    if not streams:
        raise UnsupportedAudio(f"The {FORMATS[name]} file has no sound in it.")
    readable = [stream for stream in streams if _decoder(stream) in DECODERS]
    if not readable:
        raise UnsupportedAudio(
            f"The {FORMATS[name]} file holds {_decoder(streams[0])} sound, a codec that the "
            "service does not decode. Convert it, for example to MP3 or FLAC."
        )
    best = container.streams.best("audio")
    return best if isinstance(best, AudioStream) and best in readable else readable[0]


def _decoder(stream: AudioStream) -> str:
    context = stream.codec_context
    return context.codec.name if context is not None else "unknown"


def _samples(frame: AudioFrame, channels: int) -> Samples:
    """Return the samples of a frame in [-1, 1], shape [n_samples, channels]."""
    try:
        raw = frame.to_ndarray()
    except ValueError as error:
        raise Unreadable(f"its samples have an unknown form ({frame.format.name})") from error
    samples = raw.T if frame.format.is_planar else raw.reshape(-1, channels)
    scale = SCALES.get(raw.dtype.name)
    if scale is None:
        with np.errstate(over="ignore"):  # what is beyond single precision is refused as infinite
            return samples.astype(np.float32, copy=False)
    if raw.dtype == np.uint8:
        samples = samples.astype(np.float32) - np.float32(128)
    return samples.astype(np.float32) * np.float32(scale)
