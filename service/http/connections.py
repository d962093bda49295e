"""Connections that lead nowhere are ended: late heads, answers that nobody takes, too many at once.

Uvicorn waits for the head of a request, and for a client to take its answer, for as long as it
takes. Here both have their time. When there are too many connections, one gives way: of those with
no request at work, the one whose last head is the oldest. So a crowd that crawls or only listens
cannot keep anybody out. A WebSocket counts as a request at work for as long as it is open.
"""

import asyncio
import time
import uuid
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Any, cast

import h11
from starlette.requests import Request
from starlette.types import Scope
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.errors import RETRY_AFTER_S, BadRequest, HeadTooSlow, Overloaded, ServiceError
from service.http.handshake import opens_websocket
from service.http.problems import problem_response
from service.http.taking import TakenInTime
from service.telemetry import metrics, request_id
from service.telemetry.record import finish, record

# Of all connections, that are taken from the system at once: so that one has had the time to be
# read from before as many others came that it would give way.
BACKLOG_SHARE = 0.25
# Read from one connection before the others have their turn: an upload in chunks of one byte
# takes a thousand times as long to make sense of as another.
READ_BYTES = 1 << 14
# Of a body whose length is stated nothing is to be made sense of, and each turn costs.
READ_BODY_BYTES = 1 << 18
# For what is no request: closed with bytes unread, a connection is reset, and the answer lost.
LINGER_S = 2.0


@dataclass(frozen=True)
class Bounds:
    """What one connection may take, and how many there may be.

    Attributes
    ----------
    max_connections
        Connections at the same time.
    head_s
        Time for the head of a request: its first line and headers.
    answer_s
        Time that a client has to take what is sent to it.
    websockets
        The only address, with those below it, where the offer of a WebSocket is accepted.
    root_path
        What it begins with when it comes from a proxy that leaves its own path there.
    """

    max_connections: int
    head_s: float
    answer_s: float
    websockets: str | None = None
    root_path: str = ""

    @property
    def backlog(self) -> int:
        """Connections that may wait in the system to be taken."""
        return max(1, int(BACKLOG_SHARE * self.max_connections))


def bounded_connection(bounds: Bounds) -> type[asyncio.Protocol]:
    """Return what Uvicorn makes for each connection, held to the bounds."""
    # Uvicorn does not mind that it is no class but makes objects of one.
    # What comes is read and taken in one step, so all connections of a loop can read to one place.
    place = memoryview(bytearray(READ_BODY_BYTES))
    return cast(type[asyncio.Protocol], partial(BoundedConnection, bounds=bounds, place=place))


class BoundedConnection(TakenInTime, H11Protocol, asyncio.BufferedProtocol):
    """One connection, held to its bounds.

    Parameters
    ----------
    bounds
        What it may take.
    place
        Where what comes is read to.
    uvicorns
        What Uvicorn tells its connections.
    """

    def __init__(self, *, bounds: Bounds, place: memoryview, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self._bounds = bounds
        self.answer_s = bounds.answer_s
        self._place = place
        self._head_timer: asyncio.TimerHandle | None = None
        self._last_head_s = time.monotonic()  # or the beginning
        self._head_began_s = self._last_head_s
        self._takes_body = False
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in Uvicorn
        """Begin to wait for a head, if there is room."""
        super().connection_made(transport)
        # So that Uvicorn is told whenever, and not only when much, was not taken at once.
        transport.set_write_buffer_limits(0)
        self._head_timer = self.loop.call_later(self._bounds.head_s, self._on_late_head)
        if len(self.connections) > self._bounds.max_connections:
            self._make_room()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._cancel_head_timer()
        super().connection_lost(exc)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002  # as in asyncio
        """Return where to put what comes next."""
        return self._place[: READ_BODY_BYTES if self._takes_body else READ_BYTES]

    def buffer_updated(self, nbytes: int) -> None:
        """Take what was put there."""
        self.data_received(bytes(self._place[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Take what has come; a part of a head starts the time for the rest of it."""
        if self._refused:
            return
        waited = self.conn.their_state is h11.IDLE
        if waited and not self.conn.trailing_data[0]:
            self._head_began_s = time.monotonic()
        super().data_received(data)
        waits = self.conn.their_state is h11.IDLE
        if waited and not waits:
            self._last_head_s = time.monotonic()
        if not waits or self._refused or self.transport.is_closing():
            self._cancel_head_timer()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self._bounds.head_s, self._on_late_head)
        self._takes_body = self.conn.their_state is h11.SEND_BODY and not self._is_chunked

    def send_400_response(self, msg: str) -> None:
        """Answer what is no request; Uvicorn calls this, with words of its own."""
        error = BadRequest(f"{msg.removesuffix('.')}: no HTTP/1.1, or too long a head.")
        # A request at work is given up when its connection ends.
        self._refuse(error, linger_s=0 if self.at_work else LINGER_S)

    def _should_upgrade(self) -> bool:
        """Tell whether a request becomes a WebSocket; other offers are passed over.

        Some clients offer HTTP/2 with every request, and do well without.
        """
        place = self._bounds.websockets
        if place is None or self._get_upgrade() != b"websocket":
            return False
        path = self.scope["path"].removeprefix(self._bounds.root_path)
        if path != place and not path.startswith(f"{place}/"):
            return False
        target = self.scope["raw_path"] + b"?" + self.scope["query_string"]
        return opens_websocket(self.scope["method"], target, self.headers)

    @property
    def at_work(self) -> bool:
        """Whether there is a request whose answer has not begun."""
        return self.conn.our_state is h11.SEND_RESPONSE

    @property
    def _is_chunked(self) -> bool:
        return any(name == b"transfer-encoding" for name, _ in self.headers)

    def _make_room(self) -> None:
        others = [one for one in self.connections if isinstance(one, BoundedConnection)]
        idle = [one for one in others if one is not self and not one.at_work]
        if idle:
            metrics.CONNECTIONS_ENDED.labels("gave_way").inc()
            ended = min(idle, key=lambda one: one._last_head_s)
            ended.transport.abort()
            # At once, or the next newcomer might choose it again.
            self.connections.discard(ended)
        else:
            metrics.CONNECTIONS_ENDED.labels("refused").inc()
            self._refuse(Overloaded("All connections are busy.", retry_after_s=RETRY_AFTER_S))

    def _on_late_head(self) -> None:
        metrics.CONNECTIONS_ENDED.labels("late_head").inc()
        begun = bool(self.conn.trailing_data[0])
        if begun:
            self._refuse(
                HeadTooSlow(f"The head was not complete within {self._bounds.head_s:g} s.")
            )
        else:  # a browser that keeps a connection ready has not asked for anything
            self.transport.close()

    def _refuse(self, error: ServiceError, linger_s: float = 0.0) -> None:
        """Answer with a problem without asking the application, and end the connection.

        Where there is time to linger, what still comes is read and dropped before.
        """
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()  # in the middle of an answer
            return
        scope: Scope = {"type": "http", "method": "", "path": "", "headers": []}
        request_id.assign(scope, uuid.uuid4().hex)
        answer = problem_response(Request(scope), error)
        headers = [
            *self.server_state.default_headers,
            *answer.raw_headers,
            (b"connection", b"close"),
        ]
        reason = HTTPStatus(error.status).phrase.encode()
        for event in (
            h11.Response(status_code=error.status, headers=headers, reason=reason),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        noted = record(scope)
        noted.status = error.status
        finish(scope, noted, time.monotonic() - self._head_began_s)
        self._refused = True
        if linger_s:
            self.transport.write_eof()
            self.loop.call_later(linger_s, self.transport.close)
        else:
            self.transport.close()

    def _cancel_head_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
