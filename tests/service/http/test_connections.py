import asyncio
import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from service.http.connections import READ_BYTES, Bounds, bounded_connection
from tests.audio import encode, tone
from tests.server import TIMEOUT_S, server

CLIP = encode(tone())
HEAD_S = 1.0
REQUEST = b"GET /health/live HTTP/1.1\r\nHost: test\r\n\r\n"
UPLOAD_HEAD = (
    b"POST /classify/genre HTTP/1.1\r\nHost: test\r\nContent-Type: audio/wav\r\n"
    b"Content-Length: %d\r\n\r\n" % len(CLIP)
)
# Several answers, larger together than what two systems hold for a client that does not read.
LARGE_REQUESTS = b"GET /static-offline-docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: test\r\n\r\n" * 8

Client = httpx2.Client


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connections") / "log"


@pytest.fixture(scope="module")
def client(models_dir: Path, log: Path) -> Iterator[Client]:
    with server(models_dir, log, header_timeout_s=HEAD_S, deadline_s=3) as (_, client):
        yield client


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


def assert_refusal(answer: bytes, status: int, slug: str, log: Path) -> None:
    """Check that raw bytes are a problem document, whose id is in one line of the log."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"content-type: application/problem+json" in head
    assert b"connection: close" in head
    assert b"x-content-type-options: nosniff" in head.lower()
    problem = json.loads(body)
    assert problem["type"] == f"/problems/{slug}"
    (line,) = [line for line in log.read_text().splitlines() if problem["request_id"] in line]
    assert json.loads(line)["status"] == status
    assert json.loads(line)["problem"] == slug


def test_a_head_that_crawls_is_refused_in_time(client: Client, log: Path) -> None:
    connection = connect(client)
    began = time.monotonic()
    connection.settimeout(HEAD_S / 10)
    answer = b""
    for letter in REQUEST[:-2] + b"X-Slow: " + bytes(1000):
        connection.sendall(bytes([letter]))
        try:
            answer = first(connection)
            break
        except TimeoutError:
            continue
    assert HEAD_S * 0.9 < time.monotonic() - began < HEAD_S * 5
    assert_refusal(answer + rest(connection), 408, "head-too-slow", log)


def test_the_time_of_a_refusal_begins_with_its_head(client: Client, log: Path) -> None:
    connection = connect(client, REQUEST)
    assert first(connection).startswith(b"HTTP/1.1 200")
    time.sleep(HEAD_S * 0.6)
    connection.sendall(b"no request at all\r\n\r\n")
    answer = rest(connection)
    assert_refusal(answer, 400, "bad-request", log)
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    (line,) = [line for line in log.read_text().splitlines() if problem["request_id"] in line]
    assert json.loads(line)["duration_ms"] < 1e3 * HEAD_S * 0.5


def test_a_connection_that_asks_nothing_is_closed_without_a_word(client: Client) -> None:
    before = ended(client, "late_head")
    assert rest(connect(client)) == b""
    assert ended(client, "late_head") == before + 1


def test_the_next_head_on_a_connection_has_its_time_too(client: Client, log: Path) -> None:
    connection = connect(client, REQUEST)
    assert first(connection).startswith(b"HTTP/1.1 200 ")
    connection.sendall(REQUEST[:20])
    assert_refusal(rest(connection), 408, "head-too-slow", log)


def test_an_upload_may_take_longer_than_its_head(client: Client) -> None:
    with closing(connect(client, UPLOAD_HEAD)) as connection:
        time.sleep(1.5 * HEAD_S)
        connection.sendall(CLIP)
        assert first(connection).startswith(b"HTTP/1.1 200 ")


def test_requests_that_come_together_are_all_answered(client: Client) -> None:
    last = REQUEST.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    answers = rest(connect(client, 3 * REQUEST + last))
    assert answers.count(b"HTTP/1.1 200 ") == 4


def test_nothing_is_read_after_a_request_that_states_two_lengths(client: Client) -> None:
    chunked = UPLOAD_HEAD.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
    answers = rest(connect(client, chunked + b"0\r\n\r\n" + REQUEST))
    assert answers.startswith(b"HTTP/1.1 422 ")
    assert answers.count(b"HTTP/1.1") == 1


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
def test_the_offer_of_another_protocol_is_passed_over(
    client: Client, log: Path, protocol: bytes
) -> None:
    offer = b"\r\nConnection: Upgrade\r\nUpgrade: " + protocol + b"\r\n\r\n"
    with closing(connect(client, REQUEST.replace(b"\r\n\r\n", offer))) as connection:
        assert first(connection).startswith(b"HTTP/1.1 200 ")
    assert "upgrade" not in log.read_text()


def test_a_client_that_asks_first_is_told_to_send_or_not_to(client: Client) -> None:
    asking = UPLOAD_HEAD.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n")
    with closing(connect(client, asking)) as connection:
        assert first(connection) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(CLIP)
        assert first(connection).startswith(b"HTTP/1.1 200 ")
    # Closed, or it could go on and on with a body that nobody reads.
    refused = rest(connect(client, asking.replace(b"/classify/genre", b"/nowhere")))
    assert refused.startswith(b"HTTP/1.1 404 ")
    assert b"connection: close" in refused


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(100),
        b"GET / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: test\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        b"GET /" + b"a" * 100_000,
        b"GET / HTTP/1.1\r\nHost: test\r\nX: " + b"a" * 100_000,
    ],
    ids=["TLS", "no host", "negative length", "two lengths", "long address", "long header"],
)
def test_what_is_no_request_is_a_bad_one(client: Client, log: Path, data: bytes) -> None:
    assert_refusal(rest(connect(client, data)), 400, "bad-request", log)


def test_a_body_that_breaks_in_the_middle_ends_the_connection(client: Client, log: Path) -> None:
    chunked = UPLOAD_HEAD.replace(b"Content-Length: %d" % len(CLIP), b"Transfer-Encoding: chunked")
    for path in (b"/classify/genre", b"/classify/made-up"):  # while it waits, and while it answers
        connection = connect(client, chunked.replace(b"/classify/genre", path) + b"3\r\nabc\r\n")
        time.sleep(0.2)
        connection.sendall(b"no length\r\n")
        rest(connection)
    assert client.get("/health/live").status_code == 200
    assert "Traceback" not in log.read_text()


def test_a_client_that_does_not_take_its_answer_is_left(client: Client, log: Path) -> None:
    before = ended(client, "untaken_answer")
    with closing(connect(client, LARGE_REQUESTS)):
        deadline = time.monotonic() + TIMEOUT_S
        while ended(client, "untaken_answer") == before:
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert "Traceback" not in log.read_text()


@pytest.fixture
def small(models_dir: Path, tmp_path: Path) -> Iterator[Client]:
    """A client of a service that has room for three connections, one of which it holds."""
    with server(models_dir, tmp_path / "log", max_connections=3) as (_, client):
        yield client


def test_the_connection_that_has_asked_for_nothing_longest_gives_way(small: Client) -> None:
    with ExitStack() as stack:
        small.get("/health/live")
        idle = [stack.enter_context(closing(connect(small))) for _ in range(2)]
        newcomer = stack.enter_context(closing(connect(small, REQUEST)))
        assert first(newcomer).startswith(b"HTTP/1.1 200 ")
        newest = stack.enter_context(closing(connect(small, REQUEST)))
        assert first(newest).startswith(b"HTTP/1.1 200 ")
        assert first(idle[0]) == b""
        idle[1].sendall(REQUEST)
        assert first(idle[1]).startswith(b"HTTP/1.1 200 ")
    assert ended(small, "gave_way") >= 2


def test_one_that_does_not_take_its_answer_gives_way_too(small: Client) -> None:
    with ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(closing(connect(small, LARGE_REQUESTS)))
        time.sleep(0.5)
        for _ in range(3):
            newcomer = stack.enter_context(closing(connect(small, REQUEST)))
            assert first(newcomer).startswith(b"HTTP/1.1 200 ")
    assert ended(small, "gave_way") >= 3


def test_the_system_holds_back_fewer_than_would_push_a_new_connection_out() -> None:
    assert Bounds(1024, head_s=1, answer_s=1).backlog == 256
    assert Bounds(1, head_s=1, answer_s=1).backlog == 1


def test_one_that_sends_much_at_once_is_read_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    monkeypatch.setattr(H11Protocol, "data_received", lambda _, data: sizes.append(len(data)))
    bounds = Bounds(max_connections=1, head_s=TIMEOUT_S, answer_s=TIMEOUT_S)
    make: Any = bounded_connection(bounds)
    config = Config(FastAPI(), log_config=None)
    uvicorns = {"config": config, "server_state": ServerState(), "app_state": {}}

    async def send(n_bytes: int) -> None:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: make(**uvicorns), "127.0.0.1") as server:
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(bytes(n_bytes))
            while sum(sizes) < n_bytes:
                await asyncio.sleep(0)
            writer.close()
            await writer.wait_closed()

    asyncio.run(asyncio.wait_for(send(1 << 20), TIMEOUT_S))
    assert max(sizes) <= READ_BYTES


@pytest.mark.parametrize("chunked", [False, True])
def test_only_a_body_whose_length_is_stated_is_read_in_large_parts(
    monkeypatch: pytest.MonkeyPatch, *, chunked: bool
) -> None:
    sizes: list[int] = []
    received = H11Protocol.data_received

    def note(connection: H11Protocol, data: bytes) -> None:
        sizes.append(len(data))
        received(connection, data)

    async def read_all(_: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body"})

    monkeypatch.setattr(H11Protocol, "data_received", note)
    make: Any = bounded_connection(Bounds(max_connections=1, head_s=TIMEOUT_S, answer_s=TIMEOUT_S))
    config = Config(read_all, log_config=None)
    config.load()
    uvicorns = {"config": config, "server_state": ServerState(), "app_state": {}}
    size = 1 << 22
    framing = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % size
    body = b"%x\r\n%b\r\n0\r\n\r\n" % (size, bytes(size)) if chunked else bytes(size)

    async def send() -> bytes:
        loop = asyncio.get_running_loop()
        async with await loop.create_server(lambda: make(**uvicorns), "127.0.0.1") as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(b"POST / HTTP/1.1\r\nHost: test\r\n%b\r\n\r\n%b" % (framing, body))
            answer = await reader.readuntil(b"\r\n\r\n")
            writer.close()
            await writer.wait_closed()
            return answer

    assert b" 204 " in asyncio.run(asyncio.wait_for(send(), TIMEOUT_S))
    assert sizes[0] <= READ_BYTES
    assert (max(sizes) > READ_BYTES) is not chunked


def test_only_when_all_are_busy_a_newcomer_is_refused(small: Client) -> None:
    def begin_upload() -> socket.socket:
        return stack.enter_context(closing(connect(small, UPLOAD_HEAD)))

    with ExitStack() as stack:
        uploads = [begin_upload(), begin_upload()]
        while "music_classification_pending_clips 2.0" not in small.get("/metrics").text:
            time.sleep(0.01)
        uploads.append(begin_upload())
        time.sleep(0.2)
        assert rest(connect(small)).startswith(b"HTTP/1.1 503 ")
        refusal = small.get("/health/live")
        assert refusal.status_code == 503
        assert refusal.json()["type"] == "/problems/overloaded"
        assert refusal.headers["Retry-After"] == "1"
        for upload in uploads:
            upload.sendall(CLIP)
            assert first(upload).startswith(b"HTTP/1.1 200 ")
        assert small.get("/health/live").status_code == 200
