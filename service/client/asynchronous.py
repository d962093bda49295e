"""The client for many files at once: as many requests in flight as the service takes."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self, Unpack

import httpx

from service.client.exchange import (
    PATIENCE_S,
    SUMMARIES,
    TIMEOUT_S,
    Asked,
    Audio,
    Excerpted,
    Exchange,
    address,
    checked,
    headers_of,
    read,
    upload,
)
from service.client.pace import Pace
from service.client.retries import REFUSALS, RETRIED, Attempts
from service.inference.card import Card
from service.schemas import AllAnswers, ModelSummary, TaskAnswer

MOST_IN_FLIGHT = 64


class AsyncClient:
    """Asks a running service; use it in an ``async with`` block, or await :meth:`close`.

    However many calls are made at the same time, only as many requests are in flight as the
    service takes: few at first, more with every answer, fewer when it refuses one. Parameters and
    errors are those of :class:`~service.client.Client`.

    Parameters
    ----------
    most_in_flight
        As many at most, whatever the service takes.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        most_in_flight: int = MOST_IN_FLIGHT,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._http = httpx.AsyncClient(
            base_url=address(url),
            headers=headers_of(api_key),
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=most_in_flight),
            transport=transport,
        )
        self._patience_s = patience_s
        self._pace = Pace(most_in_flight)

    async def __aenter__(self) -> Self:
        """Return the client."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._http.aclose()

    @property
    def in_flight(self) -> int:
        """How many requests may be in flight at present."""
        return self._pace.allowed

    async def classify(
        self,
        audio: Audio,
        **asked: Unpack[Asked],
    ) -> AllAnswers:
        """Return the answers of all tasks about audio; the parameters are those of the API."""
        response = await self._send(lambda: upload("/classify", audio, asked))
        return read(response, AllAnswers.model_validate_json)

    async def classify_task(
        self,
        task: str,
        audio: Audio,
        **asked: Unpack[Asked],
    ) -> TaskAnswer:
        """Return the answer of one task about audio; the parameters are those of the API."""
        response = await self._send(lambda: upload(f"/classify/{task}", audio, asked))
        return read(response, TaskAnswer.model_validate_json)

    async def lab(self, audio: Audio, *, task: str = "chord", **asked: Unpack[Excerpted]) -> str:
        """Return the chords of audio over time as a ``.lab`` file."""
        response = await self._send(lambda: upload(f"/classify/{task}", audio, asked, lab=True))
        return response.text

    async def models(self) -> list[ModelSummary]:
        """Return the models and their states."""
        response = await self._send(lambda: Exchange("GET", "/models"))
        return read(response, SUMMARIES.validate_json)

    async def card(self, task: str) -> Card:
        """Return the card of a task's model."""
        return read(
            await self._send(lambda: Exchange("GET", f"/models/{task}")), Card.model_validate_json
        )

    async def _send(self, make: Callable[[], Exchange]) -> httpx.Response:
        attempts = Attempts(self._patience_s)
        async with self._pace.place():
            # Only now, so that no more files are in memory than requests in flight.
            exchange = await asyncio.to_thread(make)
            while True:
                try:
                    response = checked(
                        await self._http.request(
                            exchange.method,
                            exchange.path,
                            params=exchange.params,
                            content=exchange.body,
                            headers=exchange.headers,
                        )
                    )
                except RETRIED as error:
                    if isinstance(error, REFUSALS):
                        self._pace.refused()
                    await asyncio.sleep(attempts.wait_s(error))
                else:
                    self._pace.answered()
                    return response
