"""What the headers of WAV, AIFF, W64, AU and CAF files say of their length."""

from typing import Literal

from service.audio import caf
from service.audio.quality import COMPLETE_SHARE
from service.audio.riff import CHUNK_HEADER_BYTES

STREAMED_BYTES = 0x7FFF0000  # writers that cannot seek back state this length or a larger one

# Where the length stands by the first bytes of a file, and in how many bytes.
_LENGTH_AT = {
    b"RIFF": (4, 4),
    b"FORM": (4, 4),
    b"RF64": (20, 8),
    b"BW64": (20, 8),
    b"riff": (16, 8),  # of a W64, behind the 16 bytes of its name
    b".snd": (8, 4),
    b"dns.": (8, 4),
}


def is_cut_off(content: bytes) -> bool:
    """Tell whether a file has clearly less than the bytes that its header states."""
    stated_bytes = _stated_bytes(content)
    return len(content) < COMPLETE_SHARE * stated_bytes and stated_bytes < STREAMED_BYTES


def is_one_file(content: bytes) -> bool:
    """Tell whether a file states a length in its header behind which nothing follows."""
    return len(content) - CHUNK_HEADER_BYTES <= _stated_bytes(content) < STREAMED_BYTES


def with_length(content: bytes) -> bytes:
    """Return an AU file that says its length is unknown where it says it is 0 and is not."""
    at, n_bytes = _LENGTH_AT[b".snd"]
    if content[:4] in (b".snd", b"dns.") and not any(content[at : at + n_bytes]):
        return content[:at] + b"\xff" * n_bytes + content[at + n_bytes :]
    return content


def _stated_bytes(content: bytes) -> int:
    """Return how long a file says it is; 0 where it does not."""
    if content[:4] == b"caff":
        return caf.stated_bytes(content)
    order: Literal["little", "big"] = "big" if content[:4] in (b"FORM", b".snd") else "little"
    at, n_bytes = _LENGTH_AT.get(content[:4], (0, 0))
    length = int.from_bytes(content[at : at + n_bytes], order)
    if content[:4] in (b".snd", b"dns."):  # the length of the samples alone
        length += int.from_bytes(content[4:8], order)
    return length
