"""What an ASF file (WMA) says of its length; Microsoft's specification of it defines how."""

_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
PROPERTIES_BYTES = 104
WITHIN_BYTES = 1 << 16
TICKS_PER_S = 10_000_000
BROADCAST = 1  # a flag: the length was not known when the file was begun


def stated_s(data: bytes) -> float:
    """Return the length that a file states, in seconds; 0 where it states none."""
    at = data.find(_PROPERTIES, 0, WITHIN_BYTES)
    told = data[at : at + PROPERTIES_BYTES] if at >= 0 else b""
    if len(told) < PROPERTIES_BYTES or told[88] & BROADCAST:
        return 0.0
    end_s = int.from_bytes(told[64:72], "little") / TICKS_PER_S
    begin_s = int.from_bytes(told[80:88], "little") / 1_000  # how long a player waits
    return max(end_s - begin_s, 0.0)
