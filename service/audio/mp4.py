"""Tell of an MP4 file (M4A, MOV, 3GP) why nobody can decode it; ISO/IEC 14496-12 defines it."""

import re

from service.errors import UnsupportedAudio, UnusableAudio

BRAND_AT, BRAND_END = 8, 12
PICTURES = frozenset(
    {b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"avif", b"avis", b"crx "}
)
AUDIOBOOKS = frozenset({b"aax ", b"aaxc"})
# A description of samples that are encrypted, behind its count and its own length.
_ENCRYPTED = re.compile(rb"stsd[\x00-\xff]{12}(?:drms|enca)")
_PROTECTED = (
    "is protected against copying (DRM), so that only its own player can decode it. Use a "
    "recording without protection."
)


def check_readable(data: bytes) -> None:
    """Refuse a file in which there is nothing to decode.

    Raises
    ------
    UnsupportedAudio
        It is a picture, or encrypted.
    UnusableAudio
        The index is missing, without which nobody knows where the sound is.
    """
    brand = data[BRAND_AT:BRAND_END] if data[4:8] == b"ftyp" else b""
    if brand in PICTURES:
        raise UnsupportedAudio("The file is a picture (HEIF, AVIF or the like). Use audio.")
    if brand in AUDIOBOOKS:
        raise UnsupportedAudio(f"The file is an Audible audiobook, which {_PROTECTED}")
    if _ENCRYPTED.search(data):
        raise UnsupportedAudio(f"The M4A/MP4 file {_PROTECTED}")
    if b"moov" in data:
        return
    if b"moof" in data:
        raise UnusableAudio(
            "The file is a segment of an MP4 stream, without the beginning of the stream (moov) "
            "that says what is in it. Put the initialization segment in front of it."
        )
    raise UnusableAudio(
        "The M4A/MP4/MOV/3GP file has no index (moov). Recorders write it last, so the file was "
        "cut off or its recording was never ended; use the whole file."
    )
