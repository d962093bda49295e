"""Bytes that have come over a stream and wait to be heard, no more than a bound."""

import asyncio

from service.streaming.protocol import Ending


class Inbox:
    """Holds bytes between the connection and the worker; to be used from the event loop only.

    Parameters
    ----------
    max_bytes
        When so many wait, whoever brings more waits too.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._bytes = bytearray()
        self._changed = asyncio.Condition()
        self.ending: Ending | None = None

    @property
    def waiting_bytes(self) -> int:
        """Bytes that wait."""
        return len(self._bytes)

    async def put(self, data: bytes) -> None:
        """Add bytes once there is room; a message larger than all the room comes alone."""
        async with self._changed:
            await self._changed.wait_for(lambda: len(self._bytes) < self._max_bytes)
            self._bytes += data
            self._changed.notify_all()

    async def end(self, ending: Ending) -> None:
        """Note that nothing more comes, and why."""
        async with self._changed:
            self.ending = ending
            self._changed.notify_all()

    async def wait(self, least_bytes: int) -> None:
        """Wait until so many bytes are here, or the end."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: len(self._bytes) >= least_bytes or self.ending is not None
            )

    async def take(self, most_bytes: int) -> bytes:
        """Take bytes that are here."""
        async with self._changed:
            taken = bytes(self._bytes[:most_bytes])
            del self._bytes[:most_bytes]
            self._changed.notify_all()
        return taken
