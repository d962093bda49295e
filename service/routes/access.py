"""Who may use the service: holders of an API key, where the operator asks for one."""

from typing import Annotated, Any

from fastapi import Depends, Security, WebSocket
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from service.errors import Unauthorized
from service.http.api_keys import ApiKeys
from service.routes.dependencies import problem_responses

HEADER = "X-API-Key"

_bearer = HTTPBearer(auto_error=False, description="An API key")
_header = APIKeyHeader(name=HEADER, auto_error=False, description="An API key")

RESPONSES = problem_responses((Unauthorized, f"Send an API key as bearer token or in {HEADER}."))


# Where a browser's WebSocket can send a key: among the subprotocols that it offers.
KEY_OFFER = "key."


def key_needed(keys: ApiKeys) -> Any:
    """Return the dependency that lets only requests with a valid key through."""

    async def check(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> None:
        _check(bearer.credentials if bearer else header, keys)

    return Depends(check)


def check_stream_key(websocket: WebSocket, keys: ApiKeys) -> None:
    """Let a WebSocket through only with a valid key.

    Raises
    ------
    Unauthorized
        It has none.
    """
    scheme, _, bearer = websocket.headers.get("authorization", "").partition(" ")
    offers: list[str] = websocket.scope.get("subprotocols", [])
    sent = [
        bearer.strip() if scheme.lower() == "bearer" else None,
        websocket.headers.get(HEADER),
        *(offer.removeprefix(KEY_OFFER) for offer in offers if offer.startswith(KEY_OFFER)),
    ]
    _check(next(filter(None, sent), None), keys)


def _check(key: str | None, keys: ApiKeys) -> None:
    if key is None:
        raise Unauthorized(f"Send an API key as bearer token or in the header {HEADER}.")
    if not keys.allow(key):
        raise Unauthorized("The API key is not valid, or not any more.")
