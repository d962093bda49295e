"""Turn every error into a problem document (RFC 9457), or a page, in this one place."""

import logging
from difflib import get_close_matches
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from service.errors import InvalidRequest, MethodNotAllowed, NotFound, ServiceError
from service.http import security_headers
from service.http.problem_page import READING, problem_page, wants_page
from service.http.root_path import root_path
from service.schemas import Problem
from service.telemetry import metrics
from service.telemetry.record import record
from service.telemetry.request_id import HEADER, request_id

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
PATH = "/problems"
LONG_PATH = 100  # nothing is as long, and to compare what is takes time
SCHEMA = {"$ref": "#/components/schemas/Problem"}
# For the OpenAPI document, of every endpoint; without it FastAPI would describe its own errors.
ANY_PROBLEM: dict[int | str, dict[str, Any]] = {
    "default": {"description": "Any other problem", "content": {MEDIA_TYPE: {"schema": SCHEMA}}}
}


def install(app: FastAPI) -> None:
    """Make the application answer every error with a problem document, or browsers with a page."""
    app.add_exception_handler(ServiceError, _on_service_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_crash)
    _document(app)


def problem_response(request: HTTPConnection, error: ServiceError) -> Response:
    """Render an error as a problem document, for a request or a WebSocket that is refused.

    To people who look for a page, a page tells the same.
    """
    detail = error.detail
    if error.retry_after_s is not None:
        detail = f"{detail} Try again in {error.retry_after_s} s."
    problem = Problem(
        type=f"{root_path(request)}{PATH}/{error.slug()}",
        title=error.title,
        status=error.status,
        detail=detail,
        instance=request.url.path,
        request_id=request_id(request.scope),
    )
    record(request.scope).problem = error.slug()
    metrics.PROBLEMS.labels(error.slug()).inc()
    # The security headers too, because the answer to a crash does not pass their middleware.
    headers = {HEADER: problem.request_id, **security_headers.HEADERS, **error.headers}
    if error.retry_after_s is not None:
        headers["Retry-After"] = str(error.retry_after_s)
    if request.scope.get("method") in READING:
        headers["Vary"] = "Accept"
    if wants_page(request):
        return HTMLResponse(problem_page(request, problem), error.status, headers)
    return JSONResponse(problem.model_dump(), error.status, headers, media_type=MEDIA_TYPE)


def _document(app: FastAPI) -> None:
    """Add the problem document, which every endpoint refers to, to the OpenAPI schemas."""
    describe = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            describe()["components"]["schemas"]["Problem"] = Problem.model_json_schema()
        return describe()

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


async def _on_service_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ServiceError)
    return problem_response(request, error)


async def _on_validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    faults = "; ".join(
        f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}"
        for fault in error.errors()
    )
    return problem_response(request, InvalidRequest(f"{faults}."))


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    method, path = request.method, request.url.path
    if error.status_code == NotFound.status:
        return problem_response(request, NotFound(_nothing_at(request)))
    if error.status_code == MethodNotAllowed.status:
        allowed = (error.headers or {}).get("Allow", "another method")
        response = problem_response(
            request, MethodNotAllowed(f"{path} does not take {method}; use {allowed}.")
        )
        response.headers["Allow"] = allowed
        return response
    return problem_response(request, InvalidRequest(str(error.detail)))


def _nothing_at(request: Request) -> str:
    path, root = request.url.path, root_path(request)
    app: FastAPI = request.app
    known = [] if len(path) > LONG_PATH else [p for p in app.openapi()["paths"] if "{" not in p]
    nearest = get_close_matches(path.removeprefix(root).lower(), known, n=1)
    advice = f". Did you mean {root}{nearest[0]}? See" if nearest else "; see"
    return f"There is nothing at {path}{advice} {root}/docs."


async def _on_crash(request: Request, error: Exception) -> Response:
    identifier = request_id(request.scope)
    logger.error("request %s crashed", identifier, exc_info=error)
    return problem_response(
        request, ServiceError("The server failed; the operator finds the cause by the request id.")
    )
