"""Choose what to answer with from the header ``Accept`` (RFC 9110, 12.5.1)."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class _Range:
    """One range of media types, its quality and its place in the header."""

    kind: str
    subtype: str
    quality: float
    place: int

    def fits(self, media_type: str) -> bool:
        kind, _, subtype = media_type.partition("/")
        return self.kind in ("*", kind) and self.subtype in ("*", subtype)

    @property
    def exactness(self) -> int:
        return (self.kind != "*") + (self.subtype != "*")


def preferred(accept: str, offered: Sequence[str]) -> str:
    """Return the media type that a client likes most.

    Of those that it likes as much, it is the one that stands first in the header, and of those
    that it does not tell apart, the first that is offered; that one too if it likes none.

    Parameters
    ----------
    accept
        The value of the header; empty where there is none.
    offered
        Media types, at least one.
    """
    ranges = [_range(place, part) for place, part in enumerate(accept.split(",")) if part.strip()]

    def liking(media_type: str) -> tuple[float, int]:
        fitting = [r for r in ranges if r.fits(media_type)]
        if not fitting:
            return 0.0, 0
        closest = max(fitting, key=lambda r: r.exactness)
        return closest.quality, -closest.place

    return max(offered, key=liking)


def _range(place: int, written: str) -> _Range:
    media_range, *parameters = (part.strip().lower() for part in written.split(";"))
    kind, _, subtype = media_range.partition("/")
    weights = [p.partition("=")[2] for p in parameters if p.startswith("q=")]
    return _Range(kind, subtype, _quality(weights[0]) if weights else 1.0, place)


def _quality(written: str) -> float:
    try:
        quality = float(written)
    except ValueError:
        return 0.0
    return quality if 0 <= quality <= 1 else 0.0
