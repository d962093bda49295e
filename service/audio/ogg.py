"""Walk the pages of an Ogg file: its streams, their codecs, and where one follows another.

A chain (what radio servers send) is several files one behind the other, each with headers of
its own. RFC 3533 defines the page.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

PAGE_HEADER_BYTES = 27
FIRST_PAGE = 2  # a flag
MOST_PAGES = 200_000  # looked at before giving up, an hour of one frame of speech each
FILE_BEGINS_BELOW = 200_000  # samples
CAPTURE = b"OggS"
# The first bytes of a stream, and the codec that they tell.
CODECS = {
    b"\x01vorbis": "vorbis",
    b"OpusHead": "opus",
    b"Speex   ": "speex",
    b"\x7fFLAC": "flac",
}


@dataclass
class Link:
    """One file of a chain.

    Attributes
    ----------
    begin, end
        Where it lies.
    codecs
        Of its streams; None for a stream that is no sound or of a codec unknown here.
    granules
        The first and the last place in time that its pages tell, in samples.
    cut_off
        Whether its last page is there only in part.
    """

    begin: int
    end: int
    codecs: list[str | None] = field(default_factory=list)
    granules: tuple[int, int] = (0, 0)
    cut_off: bool = False

    @property
    def n_samples(self) -> int:
        """How many samples there are at least from its first page to its last."""
        first, last = self.granules
        # A file's first page tells what is in it; that of a broadcast, how long it has been on air.
        return max(last - first if first > FILE_BEGINS_BELOW else last, 0)

    @property
    def codec(self) -> str | None:
        """The codec of its first stream of sound."""
        return next((codec for codec in self.codecs if codec), None)


def links_of(data: bytes) -> list[Link]:
    """Return the files that a chain is made of."""
    links: list[Link] = []
    in_headers = False
    for at, end, body in _pages(data):
        is_first = bool(data[at + 5] & FIRST_PAGE)
        if is_first and not in_headers:
            if links and links[-1].end > at:  # the last page of the one before was cut off here
                links[-1].end, links[-1].cut_off = at, True
            links.append(Link(at, at))
        in_headers = is_first
        if not links:
            continue  # from the middle of a stream, without the headers that explain it
        link = links[-1]
        if is_first:
            link.codecs.append(_codec(data[body:end]))
        granule = int.from_bytes(data[at + 6 : at + 14], "little", signed=True)
        if granule > 0 and end <= len(data):
            link.granules = (link.granules[0] or granule, granule)
        link.end, link.cut_off = min(end, len(data)), end > len(data)
    return links


def without_holes(data: bytes) -> bytes:
    """Return the pages alone: FFmpeg takes a long stretch without any for the end."""
    pages = [(at, end) for at, end, _ in _pages(data)]
    limits = [*(at for at, _ in pages[1:]), len(data)]
    return b"".join(
        data[at : min(end, limit)] for (at, end), limit in zip(pages, limits, strict=True)
    )


def _codec(packet: bytes) -> str | None:
    return next((codec for start, codec in CODECS.items() if packet.startswith(start)), None)


def _pages(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield where each page begins, ends, and where its content begins."""
    at = data.find(CAPTURE)
    for _ in range(MOST_PAGES):
        if not 0 <= at <= len(data) - PAGE_HEADER_BYTES:
            break
        body = at + PAGE_HEADER_BYTES + data[at + 26]
        end = body + sum(data[at + PAGE_HEADER_BYTES : body])
        yield at, end, body
        at = data.find(CAPTURE, end if data.startswith(CAPTURE, end) else at + 1)
