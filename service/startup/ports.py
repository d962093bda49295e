"""Take the port before anything else is done, so that one in use is told at once.

And leave it so that who has connected is answered.
"""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from service.startup.refusal import StartRefused


@contextmanager
def listening(host: str, port: int, backlog: int) -> Iterator[list[socket.socket]]:
    """Listen on every address of a host until the end of the ``with`` statement.

    Connections wait in the system until they are taken, up to ``backlog`` of them.

    Raises
    ------
    StartRefused
        The port is in use or not allowed, or the host is no address of this machine.
    """
    with ExitStack() as stack:
        try:
            addresses = socket.getaddrinfo(
                host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )
            sockets = []
            for family, kind, protocol, _, address in dict.fromkeys(addresses):
                listener = stack.enter_context(socket.socket(family, kind, protocol))
                sockets.append(listener)
                _listen(listener, address, backlog)
        except OSError as error:
            raise StartRefused(_advice(error, host, port)) from error
        yield sockets


def taken_from(listener: socket.socket) -> list[socket.socket]:
    """Take all connections that wait in the system, which would be lost with the listener."""
    taken = []
    with suppress(OSError):  # when none waits any more, or as many files are open as may be
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            taken.append(connection)
    return taken


def _listen(listener: socket.socket, address: tuple[object, ...], backlog: int) -> None:
    if os.name == "posix":  # a port just left is free; elsewhere the option would share one in use
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if listener.family == socket.AF_INET6:  # the same port of IPv4 has a socket of its own
        listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    listener.bind(address)
    # At once: until one listens, the system would let another program bind the port as well.
    listener.listen(backlog)


def _advice(error: OSError, host: str, port: int) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} of {host} is in use, perhaps by another copy of the service. End the "
            "program that uses it, or set SERVICE_PORT to another port."
        )
    if error.errno == errno.EACCES:
        return (
            f"The system does not let this user listen on port {port}. Set SERVICE_PORT to one "
            "above 1023."
        )
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return (
            f"{host} is no address of this machine. Set SERVICE_HOST to 127.0.0.1, or to 0.0.0.0 "
            "for all its addresses."
        )
    return f"The service cannot listen on port {port} of {host}: {error.strerror}."
