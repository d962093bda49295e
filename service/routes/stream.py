"""Live listening: WebSockets that take audio as it sounds."""

import time
from collections.abc import Mapping
from threading import Event

from fastapi import APIRouter, Request, WebSocket
from fastapi.responses import JSONResponse
from starlette.requests import HTTPConnection

from service.errors import RETRY_AFTER_S, ForeignPage, NotReady, ServiceError, UpgradeRequired
from service.http.problems import problem_response
from service.inference.bundle import Bundle
from service.inference.registry import Registry
from service.routes.access import check_stream
from service.streaming.asyncapi import asyncapi_document
from service.streaming.live import Live
from service.telemetry.metrics import ALL_TASKS
from service.telemetry.streams import StreamRecord, finish_stream

PATH = "/stream"
# Named only if a client offers it, beside its key: browsers demand that one offer is accepted.
SUBPROTOCOL = "music-classification"

router = APIRouter(include_in_schema=False)


@router.head("/asyncapi.json")
@router.get("/asyncapi.json")
async def describe(request: Request) -> JSONResponse:
    """Describe the messages of a stream; an OpenAPI document knows only requests."""
    registry: Registry = request.app.state.registry
    return JSONResponse(asyncapi_document(request.base_url, list(registry.entries())))


@router.websocket(PATH)
async def stream_all(websocket: WebSocket) -> None:
    """Hear a stream for all tasks at once."""
    await _serve(websocket, None)


@router.websocket(PATH + "/{task}")
async def stream_task(websocket: WebSocket, task: str) -> None:
    """Hear a stream for one task."""
    await _serve(websocket, task)


@router.get(PATH)
@router.get(PATH + "/{task}")
async def explain(request: Request, task: str | None = None) -> None:
    """Refuse as a stream would be refused now, and else because it takes a WebSocket.

    Browsers hide from a page why its WebSocket was refused; so it asks here.
    """
    _check_access(request)
    _bundles(request, task)
    live: Live = request.app.state.live
    live.check_place(request)
    raise UpgradeRequired("Connect with a WebSocket client; /asyncapi.json describes the messages.")


async def _serve(websocket: WebSocket, task: str | None) -> None:
    noted = StreamRecord()
    began_s = time.perf_counter()
    live: Live = websocket.app.state.live
    try:
        _check_access(websocket)
        registry: Registry = websocket.app.state.registry
        single = None if task is None else registry.find(task)[0]
        noted.task = single or ALL_TASKS
        bundles = _bundles(websocket, single)
        offers: list[str] = websocket.scope.get("subprotocols", [])
        subprotocol = SUBPROTOCOL if SUBPROTOCOL in offers else None
        await live.serve(websocket, bundles, single, subprotocol, noted)
    except ServiceError as error:
        noted.ending = "refused"
        await websocket.send_denial_response(problem_response(websocket, error))
    finally:
        finish_stream(websocket.scope, noted, time.perf_counter() - began_s)


def _check_access(connection: HTTPConnection) -> None:
    state = connection.app.state
    check_stream(connection, state.api_keys, state.rate_limit)
    origin = connection.headers.get("origin")
    allowed: tuple[str, ...] = state.cors_origins
    # An origin is a scheme and a host (RFC 6454, 6.2), whatever a client may send for one.
    own = origin is None or origin.partition("://")[2] == connection.headers.get("host")
    if not own and origin not in allowed and "*" not in allowed:
        raise ForeignPage("Streams are for this service's own page; see SERVICE_CORS_ORIGINS.")


def _bundles(connection: HTTPConnection, task: str | None) -> Mapping[str, Bundle]:
    stopping: Event = connection.app.state.stopping
    if stopping.is_set():
        raise NotReady("The service stops; connect again.", retry_after_s=RETRY_AFTER_S)
    registry: Registry = connection.app.state.registry
    if task is None:
        return registry.ready_bundles()
    bundle = registry.bundle(task)
    return {bundle.card.task: bundle}
