"""Who may use the service: holders of an API key, where the operator asks for one."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from service.errors import Unauthorized
from service.http.api_keys import ApiKeys
from service.routes.dependencies import problem_responses

HEADER = "X-API-Key"

_bearer = HTTPBearer(auto_error=False, description="An API key")
_header = APIKeyHeader(name=HEADER, auto_error=False, description="An API key")

RESPONSES = problem_responses((Unauthorized, f"Send an API key as bearer token or in {HEADER}."))


# Where a browser's WebSocket can send a key: among the subprotocols that it offers. Their names
# have no "/", "=" or space, which a key may have; one written in base64url, unpadded, has none.
KEY_OFFER = "key."
BASE64_KEY_OFFER = "key64."


def key_needed(keys: ApiKeys) -> Any:
    """Return the dependency that lets only requests with a valid key through."""

    async def check(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> None:
        _check(bearer.credentials if bearer else header, keys)

    return Depends(check)


def check_stream_key(connection: HTTPConnection, keys: ApiKeys) -> None:
    """Let a WebSocket, or who asks about one, through only with a valid key.

    Raises
    ------
    Unauthorized
        It has none.
    """
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    offers: list[str] = connection.scope.get("subprotocols", [])
    sent = [
        bearer.strip() if scheme.lower() == "bearer" else None,
        connection.headers.get(HEADER),
        *(_offered(offer) for offer in offers),
    ]
    _check(next(filter(None, sent), None), keys)


def _offered(offer: str) -> str | None:
    if offer.startswith(KEY_OFFER):
        return offer.removeprefix(KEY_OFFER)
    if not offer.startswith(BASE64_KEY_OFFER):
        return None
    written = offer.removeprefix(BASE64_KEY_OFFER)
    try:
        return base64.urlsafe_b64decode(written + "=" * (-len(written) % 4)).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


def _check(key: str | None, keys: ApiKeys) -> None:
    if key is None:
        raise Unauthorized(f"Send an API key as bearer token or in the header {HEADER}.")
    if not keys.allow(key):
        raise Unauthorized("The API key is not valid, or not any more.")
