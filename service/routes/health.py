"""For operators: is the process alive, can it answer, and what has it done."""

from typing import Literal

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.concurrency import run_in_threadpool

from service import __version__
from service.answers import readiness
from service.inference.registry import Registry
from service.routes.dependencies import ReadyWhenDep, RegistryDep, StoppingDep
from service.schemas import Liveness, Readiness
from service.telemetry import metrics

router = APIRouter(tags=["operations"])
# Apart, because it tells more than a stranger needs to know.
figures_router = APIRouter(tags=["operations"])


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live", operation_id="live", summary="Is the process alive?")
async def live() -> Liveness:
    """Answer as long as the process runs."""
    return Liveness(version=__version__)


@router.head("/health/ready", include_in_schema=False)
@router.get(
    "/health/ready",
    operation_id="ready",
    summary="Can requests be answered?",
    response_model=Readiness,
    responses={
        503: {
            "model": Readiness,
            "description": "Models load, or one that must be there does not serve, or the end "
            "is near",
        }
    },
)
async def ready(
    registry: RegistryDep, stopping: StoppingDep, ready_when: ReadyWhenDep
) -> JSONResponse:
    """Answer 200 once all models are proved and those that must be there serve.

    With `SERVICE_READY_WHEN=any` it is enough that one serves. While others are missing, those
    that serve go on answering all the same.
    """
    state, answers = _state(registry, stopping, ready_when)
    return JSONResponse(state.model_dump(), 200 if answers else 503)


def _state(
    registry: Registry, stopping: bool, ready_when: Literal["all", "any"]
) -> tuple[Readiness, bool]:
    """Return the state of all models, and whether requests should be sent."""
    state = readiness(registry)
    if stopping:
        state.status = "stopping"
    enough = ready_when == "any" or not registry.missing_tasks()
    return state, state.status == "ready" or (state.status == "degraded" and enough)


@figures_router.head("/metrics", include_in_schema=False)
@figures_router.get(
    "/metrics",
    operation_id="metrics",
    summary="Figures for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def scrape(
    registry: RegistryDep, stopping: StoppingDep, ready_when: ReadyWhenDep
) -> Response:
    """Answer in the Prometheus text format."""
    ready = _state(registry, stopping, ready_when)[1]
    # All figures as text take longer than other requests should wait for the event loop.
    text = await run_in_threadpool(metrics.exposition, registry.entries(), ready=ready)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
