"""Messages between the service and its decoder processes: a JSON header, then raw bytes.

Nothing is unpickled, so a decoder that an upload has taken over cannot run code in the service.
"""

import json
import socket
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.deadline import Deadline

Header = dict[str, Any]
Payload = NDArray[np.uint8]

_LENGTHS = struct.Struct("!IQ")  # bytes of the header, bytes of the payload
MAX_HEADER_BYTES = 1 << 16
CLOSED = "the other side closed the connection"


class BrokenMessage(Exception):
    """The other side went away, or sent what is no message."""


def send(
    connection: socket.socket,
    header: Header,
    payload: bytes | bytearray | memoryview = b"",
    deadline: Deadline | None = None,
) -> None:
    """Send one message.

    Raises
    ------
    TimeoutError
        The other side did not take it in time.
    """
    text = json.dumps(header).encode()
    body = memoryview(payload).cast("B")
    for part in (_LENGTHS.pack(len(text), len(body)) + text, body):
        connection.settimeout(_timeout_s(deadline))
        connection.sendall(part)


def receive(
    connection: socket.socket, max_payload_bytes: int, deadline: Deadline | None = None
) -> tuple[Header, Payload]:
    """Receive one message.

    Raises
    ------
    TimeoutError
        It was not complete in time.
    BrokenMessage
        It ended early, or it is larger than expected.
    """
    header, n_payload = _header(connection, max_payload_bytes, deadline)
    return header, _exactly(connection, n_payload, deadline)


def receive_bytes(connection: socket.socket, max_payload_bytes: int) -> tuple[Header, bytes]:
    """Receive one message, however long it takes, and its payload as bytes, without a copy.

    Raises
    ------
    BrokenMessage
        It ended early, or it is larger than expected.
    """
    header, n_payload = _header(connection, max_payload_bytes, None)
    payload = b""
    while len(payload) < n_payload:
        part = connection.recv(n_payload - len(payload), socket.MSG_WAITALL)
        if not part:
            raise BrokenMessage(CLOSED)
        payload = payload + part if payload else part
    return header, payload


def _header(
    connection: socket.socket, max_payload_bytes: int, deadline: Deadline | None
) -> tuple[Header, int]:
    """Receive the header of a message, and the number of bytes that follow it."""
    n_header, n_payload = _LENGTHS.unpack(_exactly(connection, _LENGTHS.size, deadline).data)
    if n_header > MAX_HEADER_BYTES or n_payload > max_payload_bytes:
        raise BrokenMessage(f"a message of {n_header} and {n_payload} bytes is too large")
    try:
        header = json.loads(_exactly(connection, n_header, deadline).tobytes())
    except (ValueError, RecursionError) as error:
        raise BrokenMessage("the header is no JSON") from error
    if not isinstance(header, dict):
        raise BrokenMessage("the header is no object")
    return header, n_payload


def _exactly(connection: socket.socket, n_bytes: int, deadline: Deadline | None) -> Payload:
    received = np.empty(n_bytes, dtype=np.uint8)
    missing = received.data
    while missing:
        connection.settimeout(_timeout_s(deadline))
        n = connection.recv_into(missing)
        if n == 0:
            raise BrokenMessage(CLOSED)
        missing = missing[n:]
    return received


def _timeout_s(deadline: Deadline | None) -> float | None:
    if deadline is None:
        return None
    # Zero would mean not to wait at all, and to fail with another error.
    return max(deadline.remaining_s, 1e-3)
