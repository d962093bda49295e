import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from service.http.connections import Bounds
from tests.server import server
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
