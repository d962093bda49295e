"""All streams of the service."""

from collections.abc import Mapping

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from service.cores import available_cores
from service.inference.bundle import Bundle
from service.intake.clients import client_network
from service.settings import Settings
from service.streaming.bounds import Bounds, StreamPlaces
from service.streaming.stream import Stream
from service.streaming.workers import StreamWorkers
from service.telemetry.streams import StreamRecord


class Live:
    """Takes streams and hears them.

    Parameters
    ----------
    settings
        The limits that every stream is held to.
    """

    def __init__(self, settings: Settings) -> None:
        self._bounds = Bounds.of(settings)
        self._places = StreamPlaces(settings.max_streams, settings.max_streams_per_client)
        self._workers = StreamWorkers(settings.stream_workers or available_cores())

    @property
    def streams(self) -> int:
        """Streams that are open."""
        return self._places.taken

    def close(self) -> None:
        """Stop the threads."""
        self._workers.close()

    def check_place(self, client: HTTPConnection) -> None:
        """Return if a stream of this client would be taken now.

        Raises
        ------
        ServiceError
            There are too many streams.
        """
        with self._places.place(client_network(client.scope)):
            pass

    async def serve(
        self,
        websocket: WebSocket,
        bundles: Mapping[str, Bundle],
        single: str | None,
        subprotocol: str | None,
        noted: StreamRecord,
    ) -> None:
        """Accept a stream and talk until its end.

        Parameters
        ----------
        websocket
            The connection, not accepted yet.
        bundles
            Who answers, by task.
        single
            The only task that was asked for; None for all.
        subprotocol
            What of the client's offers is accepted.
        noted
            What becomes of it.

        Raises
        ------
        ServiceError
            There are too many streams.
        """
        with self._places.place(client_network(websocket.scope)):
            await websocket.accept(subprotocol)
            stream = Stream(websocket, bundles, single, self._bounds, self._workers, noted)
            ending = await stream.talk()
        noted.ending, noted.code = ending.kind, ending.code
