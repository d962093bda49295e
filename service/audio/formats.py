"""Tell what a file is by its first bytes."""

from collections.abc import Collection
from dataclasses import dataclass

from service.audio import adts, foreign, mpeg
from service.audio.tags import after_tags, before_tags
from service.errors import UnsupportedAudio

# By the name of a format in answers and settings: what people call it.
FORMATS = {
    "wav": "WAV",
    "mp3": "MP3",
    "flac": "FLAC",
    "ogg": "OGG Vorbis",
    "opus": "Opus",
    "aiff": "AIFF",
    "mp4": "M4A/MP4/MOV/3GP",
    "aac": "AAC",
    "matroska": "WebM/Matroska",
    "wma": "WMA",
    "amr": "AMR",
    "ac3": "AC-3",
    "mp2": "MP2",
    "au": "AU",
    "caf": "CAF",
    "w64": "W64",
    "wavpack": "WavPack",
    "tta": "TTA",
    "speex": "Speex",
}

# Where certain bytes are, and the format that they tell. Of Ogg, its codec is told later.
_MAGIC = (
    (8, b"WAVE", "wav"),
    (0, b"fLaC", "flac"),
    (0, b"OggS", "ogg"),
    (8, b"AIFF", "aiff"),
    (8, b"AIFC", "aiff"),
    (4, b"ftyp", "mp4"),
    (4, b"moov", "mp4"),
    (4, b"mdat", "mp4"),
    (4, b"wide", "mp4"),
    (0, b"\x1aE\xdf\xa3", "matroska"),
    (0, b"0&\xb2u\x8ef\xcf\x11", "wma"),
    (0, b"#!AMR", "amr"),
    (0, b"\x0bw", "ac3"),
    (0, b".snd", "au"),
    (0, b"dns.", "au"),
    (0, b"caff", "caf"),
    (0, b"riff\x2e\x91\xcf\x11", "w64"),
    (0, b"wvpk", "wavpack"),
    (0, b"TTA1", "tta"),
)
# How far from the beginning a file's first bytes are looked for, behind what is none of it.
JUNK_BYTES = 1 << 16


@dataclass(frozen=True)
class Found:
    """What a file is, and where it lies between tags and junk."""

    name: str
    begin: int
    end: int


def readable(formats: Collection[str]) -> str:
    """Return the formats that can be sent, in words."""
    titles = [title for name, title in FORMATS.items() if name in formats]
    return " or ".join(filter(None, [", ".join(titles[:-1]), *titles[-1:]]))


def find(data: bytes, formats: Collection[str]) -> Found:
    """Tell what a file is.

    Raises
    ------
    UnsupportedAudio
        It is nothing that the service reads, or nothing that it may read.
    """
    behind_tags = after_tags(data)
    for begin in (0, behind_tags):
        name = foreign.marked(data, begin, _MAGIC)
        if name is not None:
            return Found(name, begin, before_tags(data))
    other = foreign.name_of(data) or foreign.name_of(data, behind_tags)
    if other is None:
        found = _behind_junk(data, behind_tags)
        if found is not None:
            return found
        if data[:3] == b"ID3":
            return Found("mp3", behind_tags, before_tags(data))
        other = foreign.remnant_of(data[:JUNK_BYTES]) or "no audio that the service reads"
    raise UnsupportedAudio(f"The upload is {other}. Send {readable(formats)}.")


def check_allowed(name: str, formats: Collection[str]) -> None:
    """Refuse a format that the operator does not allow.

    Raises
    ------
    UnsupportedAudio
        It is none of the formats.
    """
    if name not in formats:
        raise UnsupportedAudio(
            f"The upload is {FORMATS[name]}, which this server is set not to read "
            f"(SERVICE_FORMATS). Send {readable(formats)}."
        )


def _behind_junk(data: bytes, begin: int) -> Found | None:
    """Look for the frames of a stream that has no header, or has something else in front."""
    end = before_tags(data)
    for mark, name in ((b"fLaC\0\0\0\x22", "flac"), (b"OggS\0\2", "ogg")):
        at = data.find(mark, begin, begin + JUNK_BYTES)
        if at >= 0:
            return Found(name, at, end)
    frame = mpeg.find_frame(data, begin, end)
    if frame is not None:
        return Found("mp2" if mpeg.is_forerunner(data, frame) else "mp3", frame, end)
    frame = adts.find_frame(data, begin, end)
    return None if frame is None else Found("aac", frame, end)
