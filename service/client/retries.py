"""When a request is sent again, and after how long."""

import random
import time

import httpx

from service.client.exchange import ServiceUnreachable
from service.errors import (
    DeadlineExceeded,
    NotReady,
    Overloaded,
    ServiceError,
    TooManyRequests,
    TooManyUploads,
    UploadTooSlow,
)

REFUSALS = (Overloaded, NotReady, TooManyUploads, TooManyRequests)
"""The service is there and takes no more for now."""

RETRIED = (*REFUSALS, UploadTooSlow, DeadlineExceeded, httpx.RequestError)
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 10.0


class Attempts:
    """The attempts at one request. All requests are safe to repeat: none changes anything.

    Parameters
    ----------
    patience_s
        For how long to go on after the first failure.
    """

    def __init__(self, patience_s: float) -> None:
        self._patience_s = patience_s
        self._give_up_at_s: float | None = None
        self._wait_s = FIRST_WAIT_S

    def wait_s(self, error: Exception) -> float:
        """Return how long to wait before the next attempt.

        Raises
        ------
        ServiceError
            What the service said last, when the patience is at its end.
        ServiceUnreachable
            Nothing answered until then, or the address is none.
        """
        now_s = time.monotonic()
        if self._give_up_at_s is None:
            self._give_up_at_s = now_s + self._patience_s
        told_s = error.retry_after_s if isinstance(error, ServiceError) else None
        wait_s = self._next_wait_s() if told_s is None else float(told_s)
        if isinstance(error, httpx.UnsupportedProtocol) or now_s + wait_s > self._give_up_at_s:
            raise _last(error)
        return wait_s

    def _next_wait_s(self) -> float:
        # Not all at the same time, should many have failed together.
        wait_s = self._wait_s * random.uniform(0.5, 1.0)  # noqa: S311  # no secret
        self._wait_s = min(2 * self._wait_s, LONGEST_WAIT_S)
        return wait_s


def _last(error: Exception) -> Exception:
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, httpx.UnsupportedProtocol):
        return ServiceUnreachable("The address of the service must begin with http:// or https://.")
    return ServiceUnreachable(f"No service answers: {type(error).__name__}: {error}")
