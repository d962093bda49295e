"""Take out the titles that a radio server puts between the bytes of its stream.

They come after each so many bytes of audio: a byte with the length in units of 16 bytes, most
often 0, and so much text. A stream that was saved with them tells nowhere how many bytes.
"""

from collections.abc import Iterator

TITLE = b"StreamTitle='"
UNIT_BYTES = 16
# What servers are known to be set to, and the least that is sensible.
USUAL_INTERVALS = (8_192, 16_000, 16_384, 32_768, 4_096, 24_576, 65_536)
LEAST_INTERVAL = 1_024
SURE_STRETCHES = 64  # with a title at the end of each, and of none elsewhere
MOST_BETWEEN = 1_000  # empty titles between two others


def without_titles(data: bytes, at: int) -> bytes | None:
    """Return the bytes of audio from a place on; None where there are no titles between them."""
    title = data.find(TITLE, at)
    if title <= at:
        return None
    place = title - 1  # of the byte with its length
    best: list[tuple[int, int]] = []
    for interval in _intervals(data, at, place):
        kept = list(_between_titles(data, at, _first_place(data, at, place, interval), interval))
        ends = kept[-1][1] == len(data) and kept[0][1] - at <= interval
        # The more titles there are where an interval says, the less it is an accident.
        if ends and len(kept) > max(len(best), 1 if interval == place - at else 2):
            best = kept
        if len(best) > SURE_STRETCHES:
            break
    return b"".join(data[begin:end] for begin, end in best) or None


def _intervals(data: bytes, at: int, place: int) -> Iterator[int]:
    """Yield how many bytes of audio may lie between two titles."""
    yield from USUAL_INTERVALS
    behind = place + 1 + UNIT_BYTES * data[place]
    following = data.find(TITLE, behind)
    if following >= 0:
        yield from _divisors(following - 1 - behind)
    yield from _divisors(place - at)


def _divisors(n_between: int) -> Iterator[int]:
    """Yield what fits: stretches of so many bytes, with one byte of 0 between each two.

    The more stretches, the more bytes must be 0, so that it is no accident.
    """
    for n_stretches in range(min(MOST_BETWEEN, n_between // LEAST_INTERVAL), 0, -1):
        interval, rest = divmod(n_between + 1, n_stretches)
        if not rest:
            yield interval - 1


def _first_place(data: bytes, at: int, place: int, interval: int) -> int:
    """Return where the first title is, before one with a text: those without are a byte of 0."""
    step = interval + 1
    while place - step >= at and data[place - step] == 0:
        place -= step
    return place


def _between_titles(data: bytes, at: int, end: int, interval: int) -> Iterator[tuple[int, int]]:
    """Yield the stretches of audio, the first one to a place, as long as a title ends each."""
    while at <= len(data):
        yield at, end
        if end == len(data):
            return
        n_bytes = UNIT_BYTES * data[end]
        if n_bytes and data[end + 1 : end + 7] != TITLE[:6]:
            return
        at = end + 1 + n_bytes
        end = min(at + interval, len(data))
