"""Who may use the service, for what and how often."""

import base64
import binascii
from typing import Annotated, Any

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from service.errors import Forbidden, TooManyRequests, Unauthorized
from service.http.api_keys import ApiKeys
from service.http.rate_limit import RateLimit
from service.intake.clients import client_network
from service.routes.dependencies import problem_responses
from service.telemetry import metrics
from service.telemetry.record import record

HEADER = "X-API-Key"
# Where a browser's WebSocket can send a key: among the subprotocols that it offers. Their names
# have no "/", "=" or space, which a key may have; one written in base64url, unpadded, has none.
KEY_OFFER = "key."
BASE64_KEY_OFFER = "key64."

_bearer = HTTPBearer(auto_error=False, description="An API key")
_header = APIKeyHeader(name=HEADER, auto_error=False, description="An API key")

RESPONSES = problem_responses(
    (Unauthorized, f"Send an API key as bearer token or in {HEADER}."),
    (Forbidden, "The API key 'player' may not be used for metrics."),
)


def key_needed(keys: ApiKeys, scope: str | None = None) -> Any:
    """Return the dependency that lets only requests with a valid key through.

    Parameters
    ----------
    keys
        Those that are valid.
    scope
        What the key must be allowed for; without it, any key will do.
    """

    async def check(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> None:
        check_key(request, bearer.credentials if bearer else header, keys, scope)

    return Depends(check)


def check_stream(connection: HTTPConnection, keys: ApiKeys | None, limit: RateLimit | None) -> None:
    """Let a WebSocket, or who asks about one, through only with a key for streams, and in time.

    Where no keys are asked for, it needs none.

    Raises
    ------
    Unauthorized
        It has no valid key.
    Forbidden
        Its key may not be used for streams.
    TooManyRequests
        Too many came.
    """
    scheme, _, bearer = connection.headers.get("authorization", "").partition(" ")
    offers: list[str] = connection.scope.get("subprotocols", [])
    sent = [
        bearer.strip() if scheme.lower() == "bearer" else None,
        connection.headers.get(HEADER),
        *(_offered(offer) for offer in offers),
    ]
    if keys is not None:
        check_key(connection, next(filter(None, sent), None), keys, "stream")
    if limit is not None:
        check_rate(connection, limit)


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


def check_key(
    connection: HTTPConnection, key: str | None, keys: ApiKeys, scope: str | None
) -> None:
    """Note the name of the key of a request, or refuse the request.

    Raises
    ------
    Unauthorized
        There is none, or it is not valid.
    Forbidden
        It may not be used for this.
    """
    if key is None:
        raise Unauthorized(f"Send an API key as bearer token or in the header {HEADER}.")
    known = keys.find(key)
    if known is None:
        raise Unauthorized(
            "The API key is not valid, or not any more. Ask whoever runs the service for another."
        )
    record(connection.scope).key = known.name
    if scope is not None and scope not in known.scopes:
        raise Forbidden(
            f"The API key {known.name!r} may not be used for {scope}, only for "
            f"{', '.join(sorted(known.scopes))}."
        )


def rate_limited(limit: RateLimit) -> Any:
    """Return the dependency that counts requests by API key, or else by address."""

    async def check(request: Request) -> None:
        check_rate(request, limit)

    return Depends(check)


def check_rate(connection: HTTPConnection, limit: RateLimit) -> None:
    """Count a request by the name of its API key, or else by its address.

    Raises
    ------
    TooManyRequests
        Too many came.
    """
    key = record(connection.scope).key
    try:
        # No address looks like this, so nobody can use up the tokens of a key.
        limit.take(f"key {key}" if key else client_network(connection.scope))
    except TooManyRequests:
        metrics.RATE_LIMITED.inc()
        raise
