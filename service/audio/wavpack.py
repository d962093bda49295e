"""Find the blocks of a WavPack file, which each say how long they are."""

MARK = b"wvpk"
LENGTH_END = 8  # behind the length of what follows it


def without_holes(data: bytes) -> bytes:
    """Return the blocks alone: FFmpeg takes anything else between them for the end."""
    blocks = []
    at = data.find(MARK)
    while at >= 0:
        end = at + LENGTH_END + int.from_bytes(data[at + len(MARK) : at + LENGTH_END], "little")
        following = end if data.startswith(MARK, end) else data.find(MARK, at + LENGTH_END)
        # One that something else follows is not as long as it says, unless it is the last.
        if following in (end, -1):
            blocks.append(data[at:end])
        at = following
    return b"".join(blocks)
