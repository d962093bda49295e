"""Find the audio between the tags that players and taggers put around it."""

import re

ID3V2_HEADER_BYTES = 10
ID3V2_FOOTER_FLAG = 0x10
ID3V1_BYTES = 128
APE_BYTES = 32  # of its header, and of its footer
LYRICS3_END = b"LYRICS200"
LYRICS3_END_BYTES = 6 + len(LYRICS3_END)  # its length in digits, and its mark
MOST_TAGS = 64

_ZEROS = re.compile(rb"\0*")


def after_tags(data: bytes, at: int = 0) -> int:
    """Return where the audio begins: behind tags and zeros, of which there may be several."""
    for _ in range(MOST_TAGS):
        end = at + _front_tag_bytes(data, at)
        zeros = _ZEROS.match(data, end)
        end = zeros.end() if zeros else end
        if end == at:
            break
        at = end
    return min(at, len(data))


def before_tags(data: bytes) -> int:
    """Return where the audio ends: before the tags at the end of the file."""
    end = len(data)
    for _ in range(MOST_TAGS):
        size = _back_tag_bytes(data, end)
        if not 0 < size <= end:
            break
        end -= size
    return end


def _front_tag_bytes(data: bytes, at: int) -> int:
    head = data[at : at + APE_BYTES]
    if head[:3] == b"ID3" and len(head) >= ID3V2_HEADER_BYTES and max(head[6:10]) < 0x80:
        size = 0
        for byte in head[6:10]:  # seven bits each, so that no byte looks like a frame
            size = size << 7 | byte
        footer = ID3V2_HEADER_BYTES if head[5] & ID3V2_FOOTER_FLAG else 0
        n_bytes = ID3V2_HEADER_BYTES + size + footer
        # A tag cannot be longer than its file: where it says so, only its header is left out.
        return n_bytes if at + n_bytes <= len(data) else ID3V2_HEADER_BYTES
    if head[:3] == b"TAG":  # of the first of two joined files
        return ID3V1_BYTES
    if head[:8] == b"APETAGEX" and len(head) == APE_BYTES:
        return APE_BYTES + int.from_bytes(head[12:16], "little")
    return 0


def _back_tag_bytes(data: bytes, end: int) -> int:
    if data[max(end - ID3V1_BYTES, 0) : end][:3] == b"TAG":
        return ID3V1_BYTES
    footer = data[max(end - APE_BYTES, 0) : end]
    if footer[:8] == b"APETAGEX" and len(footer) == APE_BYTES:
        size = int.from_bytes(footer[12:16], "little")  # without a header, which not all write
        begin = end - size - APE_BYTES
        return size + (APE_BYTES if begin >= 0 and data.startswith(b"APETAGEX", begin) else 0)
    if footer.endswith(LYRICS3_END):
        digits = data[end - LYRICS3_END_BYTES : end - len(LYRICS3_END)]
        return int(digits) + LYRICS3_END_BYTES if digits.isdigit() else 0
    return 0
