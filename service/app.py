"""Put the application together."""

import inspect
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event, Thread
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline

from service import __version__
from service.http import problems
from service.http.api_keys import ApiKeys
from service.http.cors import CrossOriginMiddleware
from service.http.drain import DrainMiddleware
from service.http.last_answer import LastAnswerMiddleware
from service.http.rate_limit import RateLimit
from service.http.root_path import RootPathMiddleware
from service.http.security_headers import SecurityHeadersMiddleware
from service.http.targets import PlainTargetMiddleware
from service.inference.registry import Registry
from service.intake.intake import Intake
from service.routes import access, classify, document, health, models, pages, stream
from service.settings import Settings
from service.streaming import asyncapi
from service.streaming.live import Live
from service.telemetry import metrics, request_id
from service.telemetry.record import RecordMiddleware
from service.telemetry.request_id import RequestIdMiddleware
from service.telemetry.tracing import Traces, TracingMiddleware, traces_from_environment

DESCRIPTION = """
Post a recording (WAV, MP3, FLAC, M4A, OGG and a dozen more) and get calibrated probabilities of its
**genre**, of the **guitar chord** that sounds, and of whether it feels **happy or sad**.
Every error is a problem document (RFC 9457) that says how to mend the request.

Each bundle in the models folder is an endpoint of its own, `/classify/` and the name of its task;
one that is added later appears here once it is loaded. To hear music while it sounds, there are
WebSockets, which [asyncapi.json](asyncapi.json) describes. For people there is
[a page](./) that takes files and the microphone.
"""


def create_app(settings: Settings | None = None) -> FastAPI:
    """Create the application; models load in the background once it starts.

    Raises
    ------
    TracingError
        Traces are asked for in a way that cannot be served.
    """
    settings = settings or Settings()
    traces = traces_from_environment()
    registry = Registry(settings.models_dir, settings.tasks, settings.models_public_key)
    intake = Intake(settings)
    live = Live(settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        # In a thread of its own, so that /health/live answers while the models load.
        Thread(target=_load, args=(registry, app), name="load-models", daemon=True).start()
        try:
            await intake.open()
            yield
        finally:
            live.close()
            intake.close()
            if traces is not None:
                traces.close()

    app = FastAPIOffline(
        title="Music classification",
        description=DESCRIPTION,
        version=__version__,
        lifespan=lifespan,
        docs_url=None,  # ours is a page like the others, see service.routes.pages
        redoc_url=None,
        redirect_slashes=False,  # to whatever host the client says it asked
        generate_unique_id_function=_operation_id,
        responses=problems.ANY_PROBLEM,
        # FastAPI's own, which tell what clients wrote and how it crashed.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.registry = registry
    app.state.intake = intake
    app.state.live = live
    app.state.cors_origins = settings.cors_origins
    app.state.stopping = Event()
    app.state.ready_when = settings.ready_when
    metrics.PENDING.set_function(lambda: intake.pending)
    metrics.QUEUED.set_function(lambda: intake.queued)
    metrics.STREAMS.set_function(lambda: live.streams)
    metrics.WORKERS.set(settings.workers)
    problems.install(app)
    app.state.api_keys = keys = _api_keys(settings)
    app.state.rate_limit = limit = _rate_limit(settings)
    _add_endpoints(app, keys, limit)
    document.install(app, registry)
    _add_middleware(app, settings, traces)
    return app


def _add_endpoints(app: FastAPI, keys: ApiKeys | None, limit: RateLimit | None) -> None:
    # Before the models, whose addresses answer browsers with a page.
    app.include_router(pages.browser_router)
    app.include_router(classify.router, **_guard(keys, "classify", limit))
    app.include_router(models.router, **_guard(keys))
    app.include_router(health.figures_router, **_guard(keys, "metrics"))
    for router in (health.router, pages.router, stream.router):
        app.include_router(router)


def _add_middleware(app: FastAPI, settings: Settings, traces: Traces | None) -> None:
    """Put around the endpoints what every request passes; the last one added stands outermost."""
    app.add_middleware(DrainMiddleware, max_bytes=4 * settings.max_upload_bytes)
    app.add_middleware(RecordMiddleware, log_client=settings.log_client)
    if traces is not None:
        app.add_middleware(TracingMiddleware, traces=traces)
    app.add_middleware(
        CrossOriginMiddleware,
        origins=settings.cors_origins,
        allow_headers=[
            "Authorization",
            "Content-Encoding",
            "Traceparent",
            "Tracestate",
            access.HEADER,
            request_id.HEADER,
        ],
        expose_headers=[request_id.HEADER, "Retry-After", "Server-Timing"],
    )
    app.add_middleware(SecurityHeadersMiddleware)
    app.add_middleware(LastAnswerMiddleware, stopping=app.state.stopping)
    app.add_middleware(RequestIdMiddleware)
    if settings.root_path:
        app.add_middleware(RootPathMiddleware, root_path=settings.root_path)
    app.add_middleware(PlainTargetMiddleware)


def _load(registry: Registry, app: FastAPI) -> None:
    registry.load_all()
    # So that nobody has to wait: these are made once, and so is what reads Python's source, as
    # FastAPI does with an endpoint before its first answer.
    app.openapi()
    asyncapi.schemas()
    inspect.getsourcelines(_load)


def _api_keys(settings: Settings) -> ApiKeys | None:
    return ApiKeys(settings.api_keys_file) if settings.api_keys_file is not None else None


def _rate_limit(settings: Settings) -> RateLimit | None:
    per_minute = settings.rate_limit_per_minute
    return RateLimit(per_minute, settings.rate_limit_burst) if per_minute is not None else None


def _guard(
    keys: ApiKeys | None, scope: str | None = None, limit: RateLimit | None = None
) -> dict[str, Any]:
    """Return what the endpoints of a router ask of a request before they answer it."""
    guard: dict[str, Any] = {"dependencies": []}
    if keys is not None:
        guard["dependencies"].append(access.key_needed(keys, scope))
        guard["responses"] = access.RESPONSES
    if limit is not None:
        guard["dependencies"].append(access.rate_limited(limit))
    return guard


def _operation_id(route: APIRoute) -> str:
    return route.name
