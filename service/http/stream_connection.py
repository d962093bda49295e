"""A connection that was upgraded to a WebSocket, held to its bounds.

Uvicorn tells nobody else when a client does not take what is sent, and ends a WebSocket at once
when the service stops. Here the client has its time, and the application a moment to take leave.
"""

import asyncio
import logging
from functools import partial
from socket import SO_SNDBUF, SOL_SOCKET
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Close

from service.http.connections import LINGER_S
from service.http.taking import TakenInTime

logger = logging.getLogger(__name__)
logger.setLevel(logging.WARNING)
# Uvicorn tells of text that is no UTF-8, a fault of the client, as of one of the service.
logger.addFilter(lambda record: not record.exc_info or record.exc_info[0] is not UnicodeDecodeError)

RESTARTS = 1012  # RFC 6455's registry: the service restarts
# What the system holds of answers that a client does not take; the default is megabytes.
SEND_BUFFER_BYTES = 1 << 16


def stream_connection(answer_s: float) -> type[asyncio.Protocol]:
    """Return what Uvicorn makes for each WebSocket, whose client has so long to take answers."""
    # Uvicorn does not mind that it is no class but makes objects of one.
    return cast(type[asyncio.Protocol], partial(StreamConnection, answer_s=answer_s))


class StreamConnection(TakenInTime, WebSocketsSansIOProtocol):
    """One WebSocket, held to its bounds."""

    def __init__(self, *, answer_s: float, **uvicorns: Any) -> None:
        super().__init__(**uvicorns)
        self.answer_s = answer_s
        self._refused = False
        # Uvicorn would log the client's address and its query; service.telemetry.streams does not.
        self.logger = self.conn.logger = logger

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take over the connection."""
        super().connection_made(transport)
        connection = transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(SOL_SOCKET, SO_SNDBUF, SEND_BUFFER_BYTES)

    def data_received(self, data: bytes) -> None:
        """Take what has come; what follows a message that is refused is dropped."""
        if not self._refused:
            super().data_received(data)

    def handle_parser_exception(self) -> None:
        """End a stream whose message is refused; Uvicorn calls this, and would close at once.

        Closed with bytes unread, a connection is reset, and the reason lost. So what still comes
        is read for a while.
        """
        sent = cast(Close, self.conn.close_sent)  # which it has written before it calls this
        self._refused = self.close_sent = True
        self.queue.put_nowait(
            {"type": "websocket.disconnect", "code": sent.code, "reason": sent.reason}
        )
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.write_eof()
        self.loop.call_later(LINGER_S, self.transport.close)

    async def send(self, message: Any) -> None:
        """Send what the application says."""
        await super().send(message)
        if self.close_sent:
            # Uvicorn forgets it for one that was refused, and then logs that it never answered.
            self.handshake_complete = True

    def shutdown(self) -> None:
        """Tell the application that the service stops; it ends the stream with a last answer."""
        if self.handshake_complete and not self.close_sent:
            self.queue.put_nowait({"type": "websocket.disconnect", "code": RESTARTS})
        else:
            super().shutdown()
