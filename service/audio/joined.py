"""Find where one file ends and another of its kind begins, where somebody has joined them."""

import re

from service.audio.lengths import is_one_file

# By the name of a format: something that stands in the beginning of each file, how far behind it,
# and what the whole beginning looks like. Ogg and MP3 are made to be joined; see their own walks.
_BEGINNINGS = {
    "wav": (
        b"WAVE",
        8,
        rb"(?:RIFF|RF64|BW64|RIFX)[\x00-\xff]{4}WAVE(?:fmt |bext|JUNK|ds64|LIST|fact)",
    ),
    "aiff": (b"FORM", 0, rb"FORM[\x00-\xff]{4}AIF[FC](?:COMM|FVER)"),
    "flac": (b"fLaC\0\0\0\x22", 0, rb"fLaC"),
    "mp4": (b"ftyp", 4, rb"\x00\x00\x00[\x10-\x40]ftyp[\x20-\x7e]{4}"),
    "wma": (b"0&\xb2u\x8ef\xcf\x11\xa6\xd9\x00\xaa\x00b\xcel", 0, rb"0&"),
    "au": (
        b".snd\0\0",
        0,
        rb".snd\x00\x00[\x00-\x10][\x00-\xff]{5}\x00\x00\x00[\x01-\x1b]\x00[\x00-\x05]",
    ),
    "caf": (b"caff\0\1", 0, rb"caff\x00\x01[\x00-\xff]{2}desc"),
    "w64": (b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1", 0, rb"riff"),
    "tta": (b"TTA1\1\0", 0, rb"TTA1"),
}
MOST_PIECES = 1_000


def pieces_of(data: bytes, name: str) -> list[tuple[int, int]]:
    """Return where each of the files begins and ends that a file of a format is made of."""
    if name not in _BEGINNINGS or is_one_file(data):
        return [(0, len(data))]
    mark, offset, beginning = _BEGINNINGS[name]
    starts = re.compile(beginning, re.DOTALL)
    begins = [0]
    # The first file may begin with something else, such as the free space of an MP4.
    is_known = starts.match(data) is not None
    at = data.find(mark, offset + 1)
    while at >= 0 and len(begins) < MOST_PIECES:
        if starts.match(data, at - offset):
            begins += [at - offset] if is_known else []
            is_known = True
        at = data.find(mark, at + 1)
    return list(zip(begins, [*begins[1:], len(data)], strict=True))
