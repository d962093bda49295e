"""Tell whether a request opens a WebSocket, before its connection is handed over for good.

What takes over reads the head once more, by stricter rules. What it does not understand it answers
without a problem document, or never, and its connection would stay for as long as the client does.
"""

from collections.abc import Iterable
from http import HTTPStatus

from websockets.http11 import Request
from websockets.server import ServerProtocol


def opens_websocket(method: str, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Tell whether the handshake is one that will be answered (RFC 6455, 4.2.1).

    Parameters
    ----------
    method, target, headers
        The head of the request.
    """
    lines = [b"%s %s HTTP/1.1" % (method.encode(), target), *(b"%s: %s" % h for h in headers)]
    reader = ServerProtocol()
    reader.receive_data(b"\r\n".join(lines) + b"\r\n\r\n")
    return any(
        isinstance(event, Request)
        and reader.accept(event).status_code == HTTPStatus.SWITCHING_PROTOCOLS
        for event in reader.events_received()
    )
