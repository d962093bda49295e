import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send
from uvicorn import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from service.http.connections import READ_BYTES, Bounds, bounded_connection
from tests.server import TIMEOUT_S


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
