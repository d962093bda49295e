"""Tell what a file is that is no audio, or none that the service reads."""

import re

# Where certain bytes are, and what they tell.
Magic = tuple[tuple[int, bytes, str], ...]
_MODULE = "module of a tracker, which holds notes and samples; render it"
_TUNE = "tune, a program for a sound chip; render it"
_MAGIC: Magic = (
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf", "a 7-Zip archive"),
    (0, b"\x1f\x8b", "compressed with gzip"),
    (0, b"BZh", "compressed with bzip2"),
    (0, b"\xfd7zXZ", "compressed with xz"),
    (0, b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x7fELF", "a program"),
    (0, b"\x93NUMPY", "an array of NumPy: write it as a WAV"),
    (0, b"SQLite format 3", "a project or data base: export its sound"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of an office program"),
    (0, b"{\\rtf", "a text document"),
    # macOS leaves such a file beside each on foreign disks.
    (0, b"\0\5\x16\7", "what macOS keeps beside a file ('._' and its name): use the file itself"),
    (8, b"AVI ", "an AVI video"),
    (0, b"FLV\x01", "a Flash video"),
    (0, b"\x00\x00\x01\xba", "an MPEG video"),
    (0, b"MThd", "a MIDI file, which holds notes and no sound"),
    (8, b"RMID", "a MIDI file, which holds notes and no sound"),
    (0, b"Extended Module:", f"a {_MODULE}"),
    (0, b"IMPM", f"a {_MODULE}"),
    (44, b"SCRM", f"a {_MODULE}"),
    (1080, b"M.K.", f"a {_MODULE}"),
    (1080, b"M!K!", f"a {_MODULE}"),
    (1080, b"FLT4", f"a {_MODULE}"),
    (1080, b"4CHN", f"a {_MODULE}"),
    (1080, b"6CHN", f"a {_MODULE}"),
    (1080, b"8CHN", f"a {_MODULE}"),
    (0, b"PSID", f"a SID {_TUNE}"),
    (0, b"RSID", f"a SID {_TUNE}"),
    (0, b"NESM\x1a", f"an NSF {_TUNE}"),
    (0, b"SNES-SPC700", f"an SPC {_TUNE}"),
    (0, b"Vgm ", f"a VGM {_TUNE}"),
    (0, b"\x18FICHIER GUITAR PRO", "a Guitar Pro file, which holds notes and no sound"),
    (0, b"BCFZ", "a Guitar Pro file, which holds notes and no sound"),
    (0, b"BCFS", "a Guitar Pro file, which holds notes and no sound"),
    (8, b"sfbk", "a SoundFont"),
    (0, b"FLhd", "an FL Studio project: export its sound"),
    (0, b"<REAPER_PROJECT", "a Reaper project: export its sound"),
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
    (0, b"\x7f\xfe\x80\x01", "a DTS file"),
    (0, b"\xfe\x7f\x01\x80", "a DTS file"),
    (0, b"\x1f\xff\xe8\x00", "a DTS file"),
    (0, b"\xff\x1f\x00\xe8", "a DTS file"),
    (4, b"\xf8\x72\x6f\xba", "a Dolby TrueHD file"),
    (4, b"\xf8\x72\x6f\xbb", "an MLP file"),
    (8, b"8SVX", "an 8SVX file"),
    (0, b"2BIT", "an AVR file"),
    (0, b"NIST_1A", "a SPHERE file"),
    (0, b"\x64\xa3\1\0", "an IRCAM file"),
    (0, b"\x64\xa3\2\0", "an IRCAM file"),
    (0, b"\x64\xa3\3\0", "an IRCAM file"),
    (0, b" paf", "a PARIS file"),
    (0, b"fap ", "a PARIS file"),
    (0, b"PVF1", "a PVF file"),
    (0, b"MMMD", "an MMF file"),
    (0, b"\2dss", "a DSS dictation"),
    (0, b"\3ds2", "a DSS dictation"),
    (0, b"MS_VOICE", "a Sony voice recording"),
    (0, b"nut/multimedia", "a NUT file"),
    (4, b"\x57\x90\x75\x36", "an Audible audiobook, which is protected against copying"),
    (0, b"\0\0\1\xb3", "an MPEG video"),
    (0, b"FWS", "a Flash animation"),
    (0, b"CWS", "a Flash animation"),
    (0, b"\xb7\xd8\0\x20\x37\x49\xda\x11", "a WTV recording"),
    (0, b"\x06\x0e\x2b\x34", "an MXF video"),
    (0, b"#EXTM3U", "a playlist, which names other files and holds no sound"),
    (0, b"[playlist]", "a playlist, which names other files and holds no sound"),
)
# Text begins so; the first that fits is told.
_TEXTS = (
    (
        re.compile(rb"<!doctype html|<html|<head|<\?xml[^>]*>\s*<!doctype html", re.IGNORECASE),
        "a web page: check the address that it came from",
    ),
    (
        re.compile(rb"<asx|<\?wpl|(?:<\?xml[^>]*>\s*)<playlist", re.IGNORECASE),
        "a playlist, which names other files and holds no sound",
    ),
    (
        re.compile(rb"\[InternetShortcut\]|https?://|[A-Z]:\\"),
        "the address of a file: use the file itself",
    ),
    (re.compile(rb"<\?xml|<svg|<!doctype", re.IGNORECASE), "an XML document"),
    (
        re.compile(rb"version https://git-lfs"),
        "a pointer of Git LFS: fetch the file itself ('git lfs pull')",
    ),
    (
        re.compile(rb"data:[\w/+.-]*;base64,|[A-Za-z0-9+/\r\n]{400}"),
        "audio or something else as base64: use the bytes that it encodes",
    ),
    (
        re.compile(rb"--[^\r\n]{1,70}\r?\nContent-", re.IGNORECASE),
        "a form: say so in the header, Content-Type: multipart/form-data; boundary=…",
    ),
    (re.compile(rb"[{\[]"), "JSON: check what sent it"),
)
_TEXT_BYTES = 512
REMNANT_BYTES = 1 << 16
_PRINTABLE = re.compile(rb"[\t\n\f\r\x20-\x7e]{20,}")  # fewer may be any file's beginning

# Video of broadcasts and cameras: packets that begin alike; in front of each there may be a time.
_PACKETS = ((0, 188), (4, 192))
_PACKETS_SEEN = 4


def marked(data: bytes, at: int, magic: Magic) -> str | None:
    """Return what the bytes behind a place tell; None if nothing that is in a table."""
    return next((name for offset, mark, name in magic if data.startswith(mark, at + offset)), None)


def name_of(data: bytes, at: int = 0) -> str | None:
    """Return what begins at a place, in words that follow "The file is"; None if unknown."""
    known = marked(data, at, _MAGIC)
    if known is not None:
        return known
    for offset, length in _PACKETS:
        starts = data[at + offset : at + offset + _PACKETS_SEEN * length : length]
        if starts == b"G" * _PACKETS_SEEN:
            return "an MPEG transport stream"
    return _text(data[at : at + _TEXT_BYTES])


def remnant_of(data: bytes) -> str | None:
    """Return what a file is that once was audio, and lacks what is needed to decode it."""
    if not data.strip(b"\0"):
        return "nothing but zeros: it was never written, or lost"
    start = data[:REMNANT_BYTES]
    if b"\x1f\x43\xb6\x75" in start:
        return "WebM or Matroska from its middle, which nothing can decode without its beginning"
    if b"OggS\0" in start:
        return "an Ogg stream from its middle, which nothing can decode without its first pages"
    return None


def _text(start: bytes) -> str | None:
    start = start.lstrip()
    for beginning, name in _TEXTS:
        if beginning.match(start):
            return name
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) and start.count(b"\0") > len(start) // 3:
        return "text"
    return "text" if _PRINTABLE.fullmatch(start) else None
