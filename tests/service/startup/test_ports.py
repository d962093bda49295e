import errno
import os
import socket
from contextlib import ExitStack

import pytest

from service.startup.ports import listening, taken_from
from service.startup.refusal import StartRefused

HOST = "127.0.0.1"


def port_of(listener: socket.socket) -> int:
    port: int = listener.getsockname()[1]
    return port


def refusal(host: str, port: int) -> str:
    with pytest.raises(StartRefused) as caught, listening(host, port, 1):
        pass
    return str(caught.value)


def test_connections_are_taken_in_until_the_end() -> None:
    with listening(HOST, 0, 1) as sockets:
        (listener,) = sockets
        socket.create_connection((HOST, port_of(listener)), timeout=5).close()
    assert listener.fileno() == -1


def test_all_that_wait_are_taken_without_waiting_for_more() -> None:
    with listening(HOST, 0, 3) as (listener,), ExitStack() as stack:
        listener.setblocking(False)  # as the event loop has it
        address = (HOST, port_of(listener))
        clients = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(3)]
        taken = [stack.enter_context(connection) for connection in taken_from(listener)]
        assert [c.getpeername() for c in taken] == [c.getsockname() for c in clients]
        assert taken_from(listener) == []


def test_a_port_in_use_is_refused_with_advice() -> None:
    with listening(HOST, 0, 1) as sockets:
        port = port_of(sockets[0])
        text = refusal(HOST, port)
    assert f"Port {port} of {HOST} is in use" in text
    assert "SERVICE_PORT" in text


def test_a_port_is_free_again_at_once() -> None:
    with listening(HOST, 0, 1) as sockets:
        port = port_of(sockets[0])
    with listening(HOST, port, 1) as sockets:
        assert port_of(sockets[0]) == port


@pytest.mark.parametrize("host", ["192.0.2.1", "nowhere.invalid"])
def test_an_address_of_another_machine_is_refused_with_advice(host: str) -> None:
    text = refusal(host, 0)
    assert f"{host} is no address of this machine" in text
    assert "SERVICE_HOST" in text


@pytest.mark.parametrize(
    ("code", "words"),
    [(errno.EACCES, "one above 1023"), (errno.ENOBUFS, os.strerror(errno.ENOBUFS))],
)
def test_what_the_system_does_not_allow_is_told(
    code: int, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(socket.socket, "bind", refuse)
    text = refusal(HOST, 80)
    assert "port 80" in text
    assert words in text


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6")
def test_a_name_with_two_addresses_is_listened_to_on_both(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 0, "", (HOST, 0)),
        (socket.AF_INET6, socket.SOCK_STREAM, 0, "", ("::1", 0, 0, 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: both)
    with listening("localhost", 0, 1) as sockets:
        assert [listener.family for listener in sockets] == [socket.AF_INET, socket.AF_INET6]
