"""Send what sounds to a service, and hand on what it answers."""

import json
from collections.abc import Callable
from ssl import SSLCertVerificationError
from threading import Event, Thread
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import ClientConnection, connect

from service.listen.errors import ListenError
from service.listen.sources import Source

Answer = dict[str, Any]
NORMAL = 1000


def address(url: str, task: str | None) -> str:
    """Return the address of a service's streams, of one task or all.

    ``http`` is understood too, as that is what people know of a service.
    """
    scheme, _, rest = url.rpartition("://")
    secure = scheme in ("https", "wss")
    path = "/stream" if task is None else f"/stream/{task}"
    return f"{'wss' if secure else 'ws'}://{rest.rstrip('/')}{path}"


def converse(
    url: str, key: str | None, source: Source, on_answer: Callable[[Answer], None]
) -> None:
    """Send a source until it ends or somebody presses Ctrl+C, and wait for the last answer.

    Parameters
    ----------
    url
        See :func:`address`.
    key
        The API key, where the service needs one.
    source
        What sounds.
    on_answer
        Called with each answer.

    Raises
    ------
    ListenError
        The service cannot be reached, or refuses; or the source fails.
    """
    with _connected(url, key) as connection:
        _exchange(connection, source, on_answer)


def _connected(url: str, key: str | None) -> ClientConnection:
    headers = {"X-API-Key": key} if key else None
    try:
        return connect(url, additional_headers=headers, compression=None)
    except InvalidStatus as error:
        raise ListenError(f"The service refuses: {_detail(error)}") from error
    except SSLCertVerificationError as error:
        raise ListenError(
            f"The certificate of {url} is not trusted: {error.verify_message}. If it is yours, "
            "name its file in the variable SSL_CERT_FILE."
        ) from error
    except OSError as error:
        raise ListenError(
            f"No service answers at {url} ({error}). Start one with python -m service, or name "
            "another with --url."
        ) from error
    except (WebSocketException, ValueError) as error:
        raise ListenError(f"{url} is no stream: {error}") from error


def _exchange(
    connection: ClientConnection, source: Source, on_answer: Callable[[Answer], None]
) -> None:
    stop = Event()
    faults: list[Exception] = []

    def send() -> None:
        try:
            _send(connection, source, stop)
        except Exception as fault:  # told by the thread that waits for the answers
            faults.append(fault)
            connection.close()

    sending = Thread(target=send, name="send", daemon=True)
    sending.start()
    while True:
        try:
            for message in connection:
                on_answer(json.loads(message))
            break
        except KeyboardInterrupt:
            if stop.is_set():  # a second time
                raise
            stop.set()
        except ConnectionClosed:
            break
    stop.set()
    sending.join()
    if faults:
        raise faults[0]
    if connection.close_code != NORMAL:
        reason = connection.close_reason or "the connection was lost"
        raise ListenError(f"The service ended the stream: {reason}")


def _send(connection: ClientConnection, source: Source, stop: Event) -> None:
    try:
        connection.send(json.dumps(source.start))
        for block in source.blocks(stop):
            connection.send(block)
        connection.send(json.dumps({"end": True}))
    except ConnectionClosed:
        pass  # whoever receives tells why


def _detail(error: InvalidStatus) -> str:
    try:
        return str(json.loads(error.response.body or b"")["detail"])
    except (ValueError, KeyError, TypeError):
        return f"status {error.response.status_code}"
