"""How many requests a client may send in a minute: a bucket of tokens for each.

A bucket is full at first, loses a token with each request and gains them at a steady rate, so a
client may send some at once and must slow down afterwards.
"""

import math
import time
from collections.abc import Callable

from service.errors import TooManyRequests

# Beyond so many clients, buckets that are full again are forgotten: they are as good as new ones.
SWEEP_AT = 10_000


class RateLimit:
    """Counts requests by client; to be used from the event loop only.

    Parameters
    ----------
    per_minute
        Requests that a client may send for ever.
    burst
        Requests that it may send at once.
    clock
        Seconds that only grow.
    """

    def __init__(
        self, per_minute: float, burst: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_minute / 60
        self._burst = burst
        self._clock = clock
        # When each client's bucket is full again; in the past it is full.
        self._full_at_s: dict[str, float] = {}
        self._sweep_at = SWEEP_AT

    def take(self, client: str) -> None:
        """Count a request of a client.

        Raises
        ------
        TooManyRequests
            It has sent too many; this one is not counted.
        """
        now_s = self._clock()
        full_at_s = max(self._full_at_s.get(client, now_s), now_s) + 1 / self._per_s
        wait_s = full_at_s - now_s - self._burst / self._per_s
        # A request that comes as soon as it was told to must not fail by a rounding.
        if wait_s > 1e-6:
            raise TooManyRequests(
                f"This client may send {60 * self._per_s:g} requests a minute, {self._burst} of "
                "them at once; more came.",
                retry_after_s=math.ceil(wait_s),
            )
        self._full_at_s[client] = full_at_s
        if len(self._full_at_s) >= self._sweep_at:
            self._forget_full(now_s)

    def _forget_full(self, now_s: float) -> None:
        self._full_at_s = {c: at_s for c, at_s in self._full_at_s.items() if at_s > now_s}
        # So that a crowd of clients at once does not have all of them looked at for each request.
        self._sweep_at = max(SWEEP_AT, 2 * len(self._full_at_s))
