"""What a FLAC file says of itself; RFC 9639 defines the block."""

MARK = b"fLaC"
FIELDS_AT, FIELDS_BYTES = 18, 8  # rate, channels, depth and number of samples, bit by bit
RATE_BITS_AT = 44  # bits to the right of the sampling rate
TOTAL_BITS = 36


def stated_s(data: bytes) -> float:
    """Return the length that a FLAC file states, in seconds; 0 where it states none."""
    fields = _fields(data)
    rate_hz = fields >> RATE_BITS_AT
    return (fields & (1 << TOTAL_BITS) - 1) / rate_hz if rate_hz else 0.0


def with_unknown_length(data: bytes) -> list[bytes | memoryview]:
    """Return the file in parts, without a stated length, at which a decoder would stop."""
    fields = (_fields(data) >> TOTAL_BITS << TOTAL_BITS).to_bytes(FIELDS_BYTES, "big")
    return [data[:FIELDS_AT] + fields, memoryview(data)[FIELDS_AT + FIELDS_BYTES :]]


def _fields(data: bytes) -> int:
    fields = data[FIELDS_AT : FIELDS_AT + FIELDS_BYTES]
    return int.from_bytes(fields.ljust(FIELDS_BYTES, b"\0"), "big")
