"""Start the server: ``python -m service``."""

import argparse
import asyncio
import contextlib
import gc
import logging
import math
import signal
import socket
import sys
from threading import Event, Thread, Timer
from types import FrameType
from typing import Any

import uvicorn

from service import __version__
from service.app import create_app
from service.heap import keep_freed_memory
from service.http.connections import Bounds, bounded_connection
from service.http.drain import DRAIN_S
from service.http.stream_connection import stream_connection
from service.inference.registry import Registry
from service.routes import stream
from service.settings import Settings
from service.startup.environment import read_settings, settings_table
from service.startup.models_folder import check_models
from service.startup.open_files import allow_open_files
from service.startup.ports import listening, taken_from
from service.startup.refusal import StartRefused
from service.streaming.protocol import MAX_MESSAGE_BYTES
from service.telemetry import logs
from service.telemetry.tracing import TracingError

START_REFUSED = 2
START_FAILED = 3
ARRIVAL_S = 0.25  # within which the request of a connection that was just made has come

logger = logging.getLogger(__name__)


def main() -> int:
    """Read the settings, start the server, return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m service",
        description="Serve the model bundles over HTTP. Settings come from the environment:",
        epilog="Example: SERVICE_PORT=9000 SERVICE_WORKERS=4 python -m service",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.description = f"{parser.description}\n\n{settings_table()}"
    parser.add_argument("--version", action="version", version=__version__)
    parser.parse_args()
    try:
        return _serve(read_settings())
    except (StartRefused, TracingError) as error:
        sys.stderr.write(f"{error}\n")
        return START_REFUSED


def _serve(settings: Settings) -> int:
    keep_freed_memory()
    logs.configure(settings.log_level, settings.log_format)
    # Uvicorn raises the signal again once it has shut down, which would end in an error code.
    signal.signal(signal.SIGTERM, _exit_cleanly)
    bounds = Bounds(
        settings.max_connections,
        settings.header_timeout_s,
        settings.deadline_s,
        stream.PATH,
        root_path=settings.root_path,
    )
    allow_open_files(settings.max_connections, bounds.backlog, settings.workers)
    check_models(settings.models_dir, settings.tasks)
    with listening(settings.host, settings.port, bounds.backlog) as sockets:
        app = create_app(settings)
        for listener in sockets:
            logger.info("serves on http://%s, until Ctrl+C", _to_open(*listener.getsockname()[:2]))
        # What exists now stays: the collector of cycles would look at all of it for 50 ms now and
        # then, and everything else would wait.
        gc.freeze()
        signal.signal(signal.SIGHUP, lambda *_: _reload(app.state.registry))
        config = uvicorn.Config(
            app,
            http=bounded_connection(bounds),
            ws=stream_connection(settings.stream_answer_timeout_s),
            ws_max_size=MAX_MESSAGE_BYTES,
            ws_per_message_deflate=False,  # noise gets no smaller, but a bomb would get larger
            ws_ping_interval=None,  # who sends nothing is closed, who reads nothing too
            backlog=bounds.backlog,
            forwarded_allow_ips=list(settings.trusted_proxies),
            log_level=settings.log_level,
            log_config=None,  # the same form as all other lines
            timeout_graceful_shutdown=math.ceil(settings.deadline_s + DRAIN_S),
            server_header=False,
            access_log=False,  # service.telemetry.record logs each request with its id
        )
        server = _Server(config, app.state.stopping, settings.shutdown_delay_s)
        with contextlib.suppress(KeyboardInterrupt):
            server.run(sockets)
    return 0 if server.started else START_FAILED


class _Server(uvicorn.Server):
    """Tells load balancers that the end is near before it stops to listen."""

    def __init__(self, config: uvicorn.Config, stopping: Event, delay_s: float) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._delay_s = delay_s

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop: at once at the second signal or when a person asks, else after the delay."""
        delay_s = self._delay_s if sig == signal.SIGTERM and not self._stopping.is_set() else 0
        self._stopping.set()
        end = Timer(delay_s, super().handle_exit, (sig, frame))
        end.daemon = True
        end.start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, but answer whoever has connected: a balancer counts on that.

        Uvicorn closes connections whose request has not arrived, and the system those that wait
        to be taken.
        """
        logger.info("stops: takes no more connections, and answers those that it has")
        loop = asyncio.get_running_loop()
        listeners = sockets or []
        for listener in listeners:
            loop.remove_reader(listener)
        for _ in range(2):  # what the event loop has taken becomes a connection
            await asyncio.sleep(0)
        # In one go, or more would come between the last that is taken and the end.
        waiting = [connection for listener in listeners for connection in taken_from(listener)]
        for server in self.servers:
            server.close()
        for connection in waiting:
            with contextlib.suppress(OSError):  # it has gone again
                await loop.connect_accepted_socket(self._connection, connection)
        await asyncio.sleep(ARRIVAL_S)
        await super().shutdown(sockets)
        logger.info("has stopped")

    def _connection(self) -> asyncio.Protocol:
        """Return what takes a connection, as Uvicorn makes it."""
        make: Any = self.config.http_protocol_class
        made: asyncio.Protocol = make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return made


def _to_open(host: str, port: int) -> str:
    """Return the address of a socket as a browser on this machine can open it."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  # only read
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _reload(registry: Registry) -> None:
    # In a thread of its own, because the event loop waits for this signal handler.
    Thread(target=registry.load_all, name="reload-models", daemon=True).start()


def _exit_cleanly(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
