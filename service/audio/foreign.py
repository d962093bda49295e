"""Tell what a file is that is no audio, or none that the service reads."""

import re

# Where certain bytes are, and what they tell.
Magic = tuple[tuple[int, bytes, str], ...]
_MAGIC: Magic = (
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"\x1f\x8b", "compressed with gzip"),
    (8, b"AVI ", "an AVI video"),
    (0, b"FLV\x01", "a Flash video"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"MThd", "a MIDI file, which holds notes and no sound"),
    (8, b"RMID", "a MIDI file, which holds notes and no sound"),
    (0, b"MAC ", "a Monkey's Audio file"),
    (0, b"MPCK", "a Musepack file"),
    (0, b"MP+", "a Musepack file"),
    (0, b"DSD ", "a DSD file"),
    (0, b"FRM8", "a DSD file"),
    (0, b".RMF", "a RealAudio file"),
    (0, b".ra\xfd", "a RealAudio file"),
    (0, b"tBaK", "a TAK file"),
    (0, b"OFR ", "an OptimFROG file"),
    (0, b"ajkg", "a Shorten file"),
    (0, b"ADIF", "an AAC file with an ADIF header"),
    (0, b"#!SILK", "a SILK voice message"),
    (0, b"\x02#!SILK", "a SILK voice message"),
    (0, b"Creative Voice File", "a VOC file"),
    (0, b"#EXTM3U", "a playlist, which names other files and holds no sound"),
    (0, b"[playlist]", "a playlist, which names other files and holds no sound"),
)
# Text begins so; the first that fits is told.
_TEXTS = (
    (
        re.compile(rb"<!doctype|<html|<\?xml|<head", re.IGNORECASE),
        "a web page: check the address that it came from",
    ),
    (
        re.compile(rb"version https://git-lfs"),
        "a pointer of Git LFS: fetch the file itself ('git lfs pull')",
    ),
    (
        re.compile(rb"data:[\w/+.-]*;base64,|[A-Za-z0-9+/\r\n]{400}"),
        "audio or something else as base64: send the bytes that it encodes",
    ),
    (
        re.compile(rb"--[^\r\n]{1,70}\r?\nContent-", re.IGNORECASE),
        "a form: say so in the header, Content-Type: multipart/form-data; boundary=…",
    ),
    (re.compile(rb"[{\[]"), "JSON: check what sent it"),
)
_TEXT_BYTES = 512
_PRINTABLE = re.compile(rb"[\t\n\f\r\x20-\x7e]{20,}")  # fewer may be any file's beginning

# Video of broadcasts and cameras: packets that begin alike; in front of each there may be a time.
_PACKETS = ((0, 188), (4, 192))
_PACKETS_SEEN = 4


def marked(data: bytes, at: int, magic: Magic) -> str | None:
    """Return what the bytes behind a place tell; None if nothing that is in a table."""
    return next((name for offset, mark, name in magic if data.startswith(mark, at + offset)), None)


def name_of(data: bytes, at: int = 0) -> str | None:
    """Return what begins at a place, in words that follow "The upload is"; None if unknown."""
    known = marked(data, at, _MAGIC)
    if known is not None:
        return known
    for offset, length in _PACKETS:
        starts = data[at + offset : at + offset + _PACKETS_SEEN * length : length]
        if starts == b"G" * _PACKETS_SEEN:
            return "an MPEG transport stream"
    return _text(data[at : at + _TEXT_BYTES])


def remnant_of(start: bytes) -> str | None:
    """Return what a file is that once was audio, and lacks what is needed to decode it."""
    if b"OggS\0" in start:
        return "an Ogg stream from its middle, which nothing can decode without its first pages"
    return None


def _text(start: bytes) -> str | None:
    start = start.lstrip()
    for beginning, name in _TEXTS:
        if beginning.match(start):
            return name
    return "text" if _PRINTABLE.fullmatch(start) else None
