"""How many streams there may be, and how fast one may send."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

from service.errors import RETRY_AFTER_S, Overloaded, TooManyStreams
from service.settings import Settings


@dataclass(frozen=True)
class Bounds:
    """What one stream may take; see the settings of the same names.

    Attributes
    ----------
    max_sample_rate_hz, max_channels
        Of its audio.
    max_s
        Its length, in time as in audio.
    max_bytes_per_s
        What is read of it in a second.
    message_s
        Time from one message of the client to the next.
    """

    max_sample_rate_hz: int
    max_channels: int
    max_s: float
    max_bytes_per_s: int
    message_s: float

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Return the bounds that an operator has set."""
        return cls(
            settings.max_sample_rate_hz,
            settings.max_channels,
            settings.max_stream_s,
            settings.max_stream_bytes_per_s,
            settings.stream_message_timeout_s,
        )


class StreamPlaces:
    """A bounded number of places for streams; to be used from the event loop only.

    Parameters
    ----------
    capacity
        Number of places.
    max_per_client
        Places that one client may have; ``None`` does not count them.
    """

    def __init__(self, capacity: int, max_per_client: int | None) -> None:
        self._capacity = capacity
        self._max_per_client = max_per_client
        self._clients: list[str] = []

    @property
    def taken(self) -> int:
        """Places that are taken."""
        return len(self._clients)

    @contextmanager
    def place(self, client: str) -> Iterator[None]:
        """Hold a place for a client.

        Raises
        ------
        TooManyStreams
            The client has as many as it may.
        Overloaded
            There is none.
        """
        n_own = self._clients.count(client)
        if self._max_per_client is not None and n_own >= self._max_per_client:
            raise TooManyStreams(
                f"{n_own} streams from this address are open. End one first.",
                retry_after_s=RETRY_AFTER_S,
            )
        if self.taken >= self._capacity:
            raise Overloaded(
                f"All {self._capacity} streams are taken.",
                retry_after_s=RETRY_AFTER_S,
            )
        self._clients.append(client)
        try:
            yield
        finally:
            self._clients.remove(client)


class Pace:
    """Holds whoever brings bytes back to a speed; a second's worth may come at once.

    Parameters
    ----------
    bytes_per_s
        The speed.
    """

    def __init__(self, bytes_per_s: float) -> None:
        self._bytes_per_s = bytes_per_s
        self._loop = asyncio.get_running_loop()
        # When all that has come would have come at that speed.
        self._paid_until_s = self._loop.time()

    async def hold(self, n_bytes: int) -> None:
        """Note that some more bytes have come; return when the next may."""
        now_s = self._loop.time()
        self._paid_until_s = max(self._paid_until_s, now_s - 1) + n_bytes / self._bytes_per_s
        if self._paid_until_s > now_s:
            await asyncio.sleep(self._paid_until_s - now_s)
