"""Find the blocks of a WavPack file, which each say how long they are."""

MARK = b"wvpk"
LENGTH_END = 8  # behind the length of what follows it
MOST_BLOCKS = 100_000  # of half a second each, as encoders make them


def without_holes(data: bytes) -> bytes:
    """Return the blocks alone: FFmpeg takes anything else between them for the end."""
    blocks = []
    at = data.find(MARK)
    for _ in range(MOST_BLOCKS):
        if at < 0:
            break
        end = at + LENGTH_END + int.from_bytes(data[at + len(MARK) : at + LENGTH_END], "little")
        following = end if data.startswith(MARK, end) else data.find(MARK, at + LENGTH_END)
        # One that something else follows is not as long as it says, unless it is the last.
        if following in (end, -1):
            blocks.append(data[at:end])
        at = following
    return b"".join(blocks)
