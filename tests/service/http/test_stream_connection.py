"""Streams over real connections, with a client of the field."""

import contextlib
import json
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from service.streaming.protocol import MAX_MESSAGE_BYTES, Close
from tests.audio import encode, tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, band_centre_hz
from tests.server import TIMEOUT_S, server
from tests.service.http.raw import ended, first, rest
from tests.service.streaming.said import START_JSON, floats, pieces

ROCK = floats(tone(band_centre_hz(3, len(GENRES)), 2.0, rate_hz=SAMPLE_RATE_HZ))
UPGRADE = (
    b"GET /stream HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
ANSWER_S = 1.0


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("streams") / "log"


@pytest.fixture(scope="module")
def client(models_dir: Path, log: Path) -> Iterator[httpx2.Client]:
    with server(models_dir, log, header_timeout_s=1, stream_answer_timeout_s=ANSWER_S) as (_, made):
        yield made


@contextmanager
def listen(client: httpx2.Client, path: str = "/stream/genre") -> Iterator[ClientConnection]:
    url = str(client.base_url.join(path)).replace("http", "ws", 1)
    with connect(url, compression=None) as connection:
        connection.send(json.dumps(START_JSON))
        yield connection


def answers(connection: ClientConnection) -> list[dict[str, Any]]:
    """End a stream and return all its answers."""
    connection.send('{"end": true}')
    return [json.loads(message) for message in connection]


def logged(log: Path, words: str) -> str:
    """Return the only line of the log with some words, which comes after the answer."""
    deadline = time.monotonic() + TIMEOUT_S
    while True:
        # The last one may not be written to its end yet.
        whole, _, _ = log.read_text().rpartition("\n")
        lines = [line for line in whole.splitlines() if words in line]
        if lines:
            (line,) = lines
            return line
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
def test_messages_of_any_size_are_heard(client: httpx2.Client, size: int) -> None:
    data = np.tile(np.frombuffer(ROCK, np.float32), 17).tobytes() if size > 4096 else ROCK
    data = data[:2_000] if size == 1 else data
    with listen(client) as connection:
        for piece in pieces(data, size):
            connection.send(piece)
        final = answers(connection)[-1]
    assert final["heard_s"] == pytest.approx(len(data) / 4 / SAMPLE_RATE_HZ, abs=1e-3)
    assert final["so_far"]["label"] == GENRES[3]
    assert connection.close_code == Close.NORMAL


def test_a_message_in_fragments_is_one(client: httpx2.Client) -> None:
    with listen(client) as connection:
        connection.send(pieces(ROCK, 1000))
        assert answers(connection)[-1]["heard_s"] == 2.0


def test_too_large_a_message_is_refused(client: httpx2.Client) -> None:
    with listen(client) as connection:
        with contextlib.suppress(ConnectionClosedError):  # while it is still being sent
            connection.send(bytes(MAX_MESSAGE_BYTES + 1))
        with pytest.raises(ConnectionClosedError):
            connection.recv(TIMEOUT_S)
    assert connection.close_code == 1009


def test_text_that_is_none_ends_the_stream_and_is_no_fault_of_the_service(
    client: httpx2.Client, log: Path
) -> None:
    with listen(client) as connection:
        connection.send(b"\xff", text=True)
        with pytest.raises(ConnectionClosedError) as closed:
            connection.recv(TIMEOUT_S)
        request_id = connection.response.headers["X-Request-ID"]  # type: ignore[union-attr]
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1007
    logged(log, request_id)
    assert "Traceback" not in log.read_text()


def test_a_stream_outlives_the_time_for_a_head(client: httpx2.Client) -> None:
    with listen(client) as connection:
        for piece in pieces(ROCK, len(ROCK) // 2):
            connection.send(piece)
            time.sleep(0.6)
        assert answers(connection)[-1]["heard_s"] == 2.0


def test_a_refusal_is_an_http_answer(client: httpx2.Client, log: Path) -> None:
    with pytest.raises(InvalidStatus) as refused, listen(client, "/stream/tempo"):
        pass
    response = refused.value.response
    problem = json.loads(response.body or b"")
    assert response.status_code == problem["status"] == 404
    assert response.headers["content-type"] == "application/problem+json"
    assert json.loads(logged(log, problem["request_id"]))["ending"] == "refused"


def test_addresses_and_queries_are_not_logged(client: httpx2.Client, log: Path) -> None:
    with listen(client, "/stream/genre?secret=1") as connection:
        answers(connection)
    text = log.read_text()
    assert "secret" not in text
    assert "connection open" not in text
    assert '"level": "error"' not in text


def test_a_proxy_may_leave_its_path_or_take_it_away(models_dir: Path, tmp_path: Path) -> None:
    with server(models_dir, tmp_path / "log", root_path="/our/music") as (_, made):
        for path in ("/our/music/stream/genre", "/stream/genre"):
            with listen(made, path) as connection:
                connection.send(ROCK)
                assert answers(connection)[-1]["final"] is True
        with pytest.raises(InvalidStatus), listen(made, "/our/musical/stream/genre"):
            pass


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", b""),
        (b"Version: 13", b"Version: 8"),
        (b"Upgrade: websocket", b"Upgrade: h2c"),
        (b"AAAAAAAAAAAAAAAAAAAAAA==", b"AAA"),
        (b"Version: 13", b"Version: 13\r\nSec-WebSocket-Version: 13"),
        (b"Version: 13", b"Version: 13\r\nSec-WebSocket-Protocol: ,,="),
        (b"Version: 13", b"Version: 13\r\nCookie: " + b"a" * 9_000),
        (b"Version: 13", b"Version: 13\r\nCookie: a\x01b"),
        (b"Version: 13\r\n\r\n", b"Version: 13\r\nContent-Length: 3\r\n\r\nabc"),
        (b"Version: 13\r\n\r\n", b"Version: 13\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
    ],
)
def test_half_an_offer_is_a_plain_request(client: httpx2.Client, old: bytes, new: bytes) -> None:
    """What takes over a WebSocket would not answer some of these, and wait for ever."""
    with closing(raw(client, UPGRADE.replace(old, new))) as connection:
        answer = first(connection)
    assert answer.startswith(b"HTTP/1.1 426 ")
    assert b"/problems/upgrade-required" in answer


def raw(client: httpx2.Client, data: bytes, receive_buffer: int | None = None) -> socket.socket:
    port = client.base_url.port
    assert port is not None
    connection = socket.socket()
    if receive_buffer is not None:  # it counts only if it is known before there is a connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(TIMEOUT_S)
    connection.connect((client.base_url.host, port))
    connection.sendall(data)
    return connection


def test_bytes_that_are_no_frame_end_the_stream(client: httpx2.Client) -> None:
    with closing(raw(client, UPGRADE)) as connection:
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 101 ")
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
        rest(connection)
    assert client.get("/health/live").status_code == 200


def test_a_client_that_leaves_without_a_word_frees_its_place(client: httpx2.Client) -> None:
    with listen(client) as connection:
        connection.send(ROCK)
        connection.recv(TIMEOUT_S)
        assert "music_classification_streams 1.0" in client.get("/metrics").text
        connection.socket.shutdown(socket.SHUT_RDWR)
        deadline = time.monotonic() + TIMEOUT_S
        while "music_classification_streams 0.0" not in client.get("/metrics").text:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_client_that_does_not_read_is_left(client: httpx2.Client, log: Path) -> None:
    before = ended(client, "untaken_answer")
    with closing(raw(client, UPGRADE, receive_buffer=1 << 12)) as connection:
        assert connection.recv(1 << 16).startswith(b"HTTP/1.1 101 ")
        start = json.dumps(START_JSON | {"encoding": "pcm_s16le"}).encode()
        connection.sendall(masked(1, start))
        connection.settimeout(0.5)
        # It hears more than a minute of audio until no more answers fit between it and us. As long
        # as it takes more, nobody waits in vain.
        deadline = time.monotonic() + TIMEOUT_S
        left = b""
        while ended(client, "untaken_answer") == before:
            assert time.monotonic() < deadline
            left = left or masked(2, bytes(1 << 20))
            try:
                left = left[connection.send(left) :]  # whole messages, else it would be refused
                deadline = time.monotonic() + TIMEOUT_S
            except OSError:  # the server does not take more, or has ended it
                time.sleep(0.1)
    assert "Traceback" not in log.read_text()


def masked(opcode: int, payload: bytes) -> bytes:
    """Return a client's frame, masked with zeros, which change nothing."""
    head = bytes([0x80 | opcode, 0x80 | 127]) + len(payload).to_bytes(8, "big")
    return head + bytes(4) + payload


def test_streams_count_as_busy_connections(models_dir: Path, tmp_path: Path) -> None:
    with (
        server(models_dir, tmp_path / "log", max_connections=3) as (_, client),
        ExitStack() as stack,
    ):
        streams = [stack.enter_context(listen(client)) for _ in range(2)]
        for _ in range(3):  # newcomers take each other's place, never a stream's
            stack.enter_context(closing(raw(client, b"")))
        streams.append(stack.enter_context(listen(client)))
        time.sleep(0.2)
        assert rest(raw(client, b"")).startswith(b"HTTP/1.1 503 ")
        for stream in streams:
            stream.send(ROCK)
            assert answers(stream)[-1]["heard_s"] == 2.0


def test_streams_get_their_last_answer_after_sigterm(models_dir: Path, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with server(models_dir, log, shutdown_delay_s=0.2) as (process, client):
        with listen(client) as connection:
            connection.send(ROCK[: len(ROCK) * 3 // 4])
            for _ in range(3):
                connection.recv(TIMEOUT_S)
            process.send_signal(signal.SIGTERM)
            final = json.loads(connection.recv(TIMEOUT_S))
            assert final["final"] is True
            assert final["heard_s"] == 1.5
            with pytest.raises(ConnectionClosedError):
                connection.recv(TIMEOUT_S)
        assert connection.close_code == Close.RESTARTS
        assert "connect again" in str(connection.close_reason)
        assert process.wait(TIMEOUT_S) == 0
    assert "Traceback" not in log.read_text()
    assert '"ending": "stopping"' in log.read_text()


def test_a_killed_server_is_noticed_by_its_clients(models_dir: Path, tmp_path: Path) -> None:
    with server(models_dir, tmp_path / "log") as (process, client), listen(client) as connection:
        connection.send(ROCK)
        connection.recv(TIMEOUT_S)
        process.kill()
        with pytest.raises(ConnectionClosedError):
            list(iter(partial(connection.recv, TIMEOUT_S), None))


def hear_rock(client: httpx2.Client) -> tuple[float, str]:
    with listen(client) as connection:
        for piece in pieces(ROCK, len(ROCK) // 20):
            connection.send(piece)
        final = answers(connection)[-1]
    return final["heard_s"], final["so_far"]["label"]


def test_many_at_once_are_all_answered_and_uploads_as_well(shared_client: httpx2.Client) -> None:
    upload = {"file": ("clip.wav", encode(tone(rate_hz=SAMPLE_RATE_HZ), SAMPLE_RATE_HZ))}
    with ThreadPoolExecutor(100) as threads:
        heard = [threads.submit(hear_rock, shared_client) for _ in range(100)]
        assert shared_client.post("/classify/genre", files=upload).status_code == 200
        assert {one.result(TIMEOUT_S) for one in heard} == {(2.0, GENRES[3])}
