"""What a FLAC file says of itself; RFC 9639 defines the block."""

MARK = b"fLaC"
STREAMINFO_AT = 8
RATE_BITS_AT = 44  # bits to the right of the sampling rate
TOTAL_BITS = 36


def stated_s(data: bytes) -> float:
    """Return the length that a FLAC file states, in seconds; 0 where it states none."""
    fields = _fields(data)
    rate_hz = fields >> RATE_BITS_AT
    return (fields & (1 << TOTAL_BITS) - 1) / rate_hz if rate_hz else 0.0


def with_unknown_length(data: bytes) -> list[bytes | memoryview]:
    """Return the file in parts, without a stated length, at which a decoder would stop."""
    at = STREAMINFO_AT + 10
    fields = _fields(data) >> TOTAL_BITS << TOTAL_BITS
    return [data[:at] + fields.to_bytes(8, "big"), memoryview(data)[at + 8 :]]


def _fields(data: bytes) -> int:
    """Return sampling rate, channels, depth and number of samples, in 64 bits."""
    at = STREAMINFO_AT + 10
    return int.from_bytes(data[at : at + 8].ljust(8, b"\0"), "big")
