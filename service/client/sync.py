"""The client for plain code: one request after the other, or one from each thread."""

import time
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
from service.client.retries import RETRIED, Attempts
from service.inference.card import Card
from service.schemas import AllAnswers, ModelSummary, TaskAnswer


class Client:
    """Asks a running service; use it in a ``with`` block, or call :meth:`close`.

    Every method raises :class:`service.errors.ServiceError`, whose kinds and ``detail`` are those
    of the problem documents, or :class:`~service.client.ServiceUnreachable`.

    Parameters
    ----------
    url
        Where the service is, such as ``http://localhost:8000``.
    api_key
        For a service that asks for one.
    timeout_s
        Longest time for each step of an exchange, such as to wait for the answer.
    patience_s
        For how long a request is repeated while the service is busy, starting or away.
    transport
        What sends the requests; by default the network.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        timeout_s: float = TIMEOUT_S,
        patience_s: float = PATIENCE_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._http = httpx.Client(
            base_url=address(url),
            headers=headers_of(api_key),
            timeout=timeout_s,
            transport=transport,
        )
        self._patience_s = patience_s

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close all connections."""
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def classify(
        self,
        audio: Audio,
        **asked: Unpack[Asked],
    ) -> AllAnswers:
        """Return the answers of all tasks about audio; the parameters are those of the API."""
        exchange = upload("/classify", audio, asked)
        return read(self._send(exchange), AllAnswers.model_validate_json)

    def classify_task(
        self,
        task: str,
        audio: Audio,
        **asked: Unpack[Asked],
    ) -> TaskAnswer:
        """Return the answer of one task about audio; the parameters are those of the API."""
        exchange = upload(f"/classify/{task}", audio, asked)
        return read(self._send(exchange), TaskAnswer.model_validate_json)

    def lab(self, audio: Audio, *, task: str = "chord", **asked: Unpack[Excerpted]) -> str:
        """Return the chords of audio over time as a ``.lab`` file."""
        return self._send(upload(f"/classify/{task}", audio, asked, lab=True)).text

    def models(self) -> list[ModelSummary]:
        """Return the models and their states."""
        return read(self._send(Exchange("GET", "/models")), SUMMARIES.validate_json)

    def card(self, task: str) -> Card:
        """Return the card of a task's model."""
        return read(self._send(Exchange("GET", f"/models/{task}")), Card.model_validate_json)

    def _send(self, exchange: Exchange) -> httpx.Response:
        attempts = Attempts(self._patience_s)
        while True:
            try:
                return checked(
                    self._http.request(
                        exchange.method,
                        exchange.path,
                        params=exchange.params,
                        content=exchange.body,
                        headers=exchange.headers,
                    )
                )
            except RETRIED as error:
                time.sleep(attempts.wait_s(error))
