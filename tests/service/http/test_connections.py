import json
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.server import TIMEOUT_S, server
from tests.service.http.raw import (
    CLIP,
    LARGE_REQUESTS,
    REQUEST,
    UPLOAD_HEAD,
    Client,
    connect,
    ended,
    first,
    rest,
)

HEAD_S = 1.0


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("connections") / "log"


@pytest.fixture(scope="module")
def client(models_dir: Path, log: Path) -> Iterator[Client]:
    with server(models_dir, log, header_timeout_s=HEAD_S, deadline_s=3) as (_, client):
        yield client


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
