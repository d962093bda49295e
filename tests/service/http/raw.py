"""Speak HTTP over bare connections."""

import re
import socket
from contextlib import closing

import httpx2

from tests.audio import encode, tone
from tests.server import TIMEOUT_S

CLIP = encode(tone())
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"
UPLOAD_HEAD = (
    b"POST /classify/genre HTTP/1.1\r\nHost: test\r\nContent-Type: audio/wav\r\n"
    b"Content-Length: %d\r\n\r\n" % len(CLIP)
)
# Several answers, larger together than what two systems hold for a client that does not read.
LARGE_REQUESTS = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n" * 8
Client = httpx2.Client


def connect(client: Client, data: bytes = b"") -> socket.socket:
    host, port = client.base_url.host, client.base_url.port
    assert port is not None
    connection = socket.create_connection((host, port), TIMEOUT_S)
    connection.sendall(data)
    return connection


def rest(connection: socket.socket) -> bytes:
    """Return what comes until the server closes the connection."""
    answer = b""
    with closing(connection):
        while part := connection.recv(1 << 16):
            answer += part
    return answer


def first(connection: socket.socket) -> bytes:
    """Return the first answer, whole, or nothing if the server closes the connection."""
    answer = b""
    while b"\r\n\r\n" not in answer:
        if not (part := connection.recv(1 << 16)):
            return answer
        answer += part
    head, _, _ = answer.partition(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head)
    whole = len(head) + 4 + (int(length[1]) if length else 0)
    while len(answer) < whole:
        part = connection.recv(whole - len(answer))
        assert part, answer
        answer += part
    return answer


def ended(client: Client, reason: str) -> float:
    start = f'music_classification_connections_ended_total{{reason="{reason}"}} '
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.removeprefix(start)) for line in lines if line.startswith(start))
