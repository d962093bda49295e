"""What a CAF file says of its length; Apple's specification of the Core Audio Format defines it."""

HEADER_BYTES = 8
CHUNK_HEADER_BYTES = 12
MOST_CHUNKS = 1_000  # in front of the samples


def stated_bytes(data: bytes) -> int:
    """Return where the samples end that a file states; 0 where it does not tell."""
    at = HEADER_BYTES
    for _ in range(MOST_CHUNKS):
        name, length = data[at : at + 4], data[at + 4 : at + CHUNK_HEADER_BYTES]
        n_bytes = int.from_bytes(length, "big", signed=True)
        if n_bytes < 0:  # of samples that were streamed
            break
        at += CHUNK_HEADER_BYTES + n_bytes
        if name == b"data":
            return at
        if at >= len(data):
            break
    return 0
