"""Tell what a file is by its first bytes."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from service.audio import ac3, adts, flac_frames, foreign, frames, free_format, mpeg
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
    (4, b"free\0", "mp4"),
    (4, b"skip\0", "mp4"),
    (4, b"styp", "mp4"),
    (4, b"moof", "mp4"),
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
# What is looked for behind junk: marks that are no accident, and how far they are from the first
# byte of the file.
_AMID_JUNK = (
    (re.compile(rb"fLaC\x00\x00\x00\x22"), "flac"),
    (re.compile(rb"OggS\x00\x02"), "ogg"),
    (re.compile(rb"(?:RIFF|RF64|BW64|RIFX)[\x00-\xff]{4}WAVE"), "wav"),
    (re.compile(rb"FORM[\x00-\xff]{4}AIF[FC]"), "aiff"),
    (re.compile(rb"\x00\x00\x00[\x10-\x40]ftyp[\x20-\x7e]{4}"), "mp4"),
    (re.compile(rb"\x1aE\xdf\xa3[\x00-\xff]{1,12}\x42\x86"), "matroska"),
    (re.compile(rb"0&\xb2u\x8ef\xcf\x11\xa6\xd9"), "wma"),
    (re.compile(rb"#!AMR(?:-WB)?\n"), "amr"),
    (re.compile(rb"caff\x00\x01[\x00-\xff]{2}desc"), "caf"),
    (re.compile(rb"wvpk[\x00-\xff]{3}\x00[\x02-\x10]\x04"), "wavpack"),
    (re.compile(rb"TTA1\x01\x00"), "tta"),
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
        other = foreign.remnant_of(data) or "no audio that the service reads"
    raise UnsupportedAudio(f"The file is {other}. Use {readable(formats)}.")


def check_allowed(name: str, formats: Collection[str]) -> None:
    """Refuse a format that the operator does not allow.

    Raises
    ------
    UnsupportedAudio
        It is none of the formats.
    """
    if name not in formats:
        raise UnsupportedAudio(
            f"The file is {FORMATS[name]}, which this server is set not to read "
            f"(SERVICE_FORMATS). Use {readable(formats)}."
        )


def _behind_junk(data: bytes, begin: int) -> Found | None:
    """Look for what has something else in front, or for the frames of a stream without a header."""
    end = before_tags(data)
    starts = ((mark.search(data, begin, begin + JUNK_BYTES), name) for mark, name in _AMID_JUNK)
    found = [Found(name, start.start(), end) for start, name in starts if start]
    return min(found, key=lambda f: f.begin) if found else _frames(data, begin, end)


def _frames(data: bytes, begin: int, end: int) -> Found | None:
    frame = mpeg.find_frame(data, begin, end)
    if frame is not None:
        return Found("mp2" if mpeg.is_forerunner(data, frame) else "mp3", frame, end)
    for framing, name in ((adts.ADTS, "aac"), (ac3.AC3, "ac3"), (adts.LOAS, "aac")):
        frame = frames.find_frame(data, begin, end, framing)
        if frame is not None:
            return Found(name, frame, end)
    for find_one, name in ((flac_frames.find_frame, "flac"), (free_format.find_frame, "mp3")):
        frame = find_one(data, begin, end)
        if frame is not None:
            return Found(name, frame, end)
    return None
