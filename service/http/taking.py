"""A client has its time to take what is sent to it: Uvicorn would wait for as long as it takes."""

import asyncio

from service.telemetry import metrics


class TakenInTime(asyncio.Protocol):
    """What a connection of Uvicorn derives from first, so that it ends when nobody takes an answer.

    Attributes
    ----------
    answer_s
        Time that the client has; set before the connection begins.
    """

    answer_s: float
    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    _answer_timer: asyncio.TimerHandle | None = None

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._cancel_answer_timer()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Give the client its time to take what has been sent."""
        super().pause_writing()
        self._cancel_answer_timer()
        self._answer_timer = self.loop.call_later(self.answer_s, self._on_untaken_answer)

    def resume_writing(self) -> None:
        """Go on, as the client has taken all."""
        super().resume_writing()
        self._cancel_answer_timer()

    def _on_untaken_answer(self) -> None:
        metrics.CONNECTIONS_ENDED.labels("untaken_answer").inc()
        self.transport.abort()

    def _cancel_answer_timer(self) -> None:
        if self._answer_timer is not None:
            self._answer_timer.cancel()
            self._answer_timer = None
