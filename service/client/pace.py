"""How many requests may be in flight: found out by trying, as TCP finds out (Jacobson 1988)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FIRST = 2
LESS = 0.7
# Requests that were sent together are refused together, which counts once.
ONE_REFUSAL_S = 1.0


class Pace:
    """Lets only so many in at the same time as the service has taken.

    Parameters
    ----------
    most
        Never more than these.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._allowed = float(min(FIRST, most))
        self._inside = 0
        self._room = asyncio.Condition()
        self._refused_at_s: float | None = None

    @property
    def allowed(self) -> int:
        """How many it lets in at present."""
        return int(self._allowed)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Wait until there is a place for one more, and hold it for the block."""
        async with self._room:
            await self._room.wait_for(lambda: self._inside < self.allowed)
            self._inside += 1
        try:
            yield
        finally:
            async with self._room:
                self._inside -= 1
                self._room.notify_all()

    def answered(self) -> None:
        """Let more in: twice as many soon, but one by one once it was too many."""
        more = 1.0 if self._refused_at_s is None else 1 / self._allowed
        self._allowed = min(self._allowed + more, self._most)

    def refused(self) -> None:
        """Let fewer in."""
        now_s = time.monotonic()
        if self._refused_at_s is None or now_s - self._refused_at_s > ONE_REFUSAL_S:
            self._refused_at_s = now_s
            self._allowed = max(1.0, LESS * self._allowed)
