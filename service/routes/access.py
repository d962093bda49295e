"""Who may use the service: holders of an API key, where the operator asks for one."""

from typing import Annotated, Any

from fastapi import Depends, Security
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from service.errors import Unauthorized
from service.http.api_keys import ApiKeys
from service.routes.dependencies import problem_responses

HEADER = "X-API-Key"

_bearer = HTTPBearer(auto_error=False, description="An API key")
_header = APIKeyHeader(name=HEADER, auto_error=False, description="An API key")

RESPONSES = problem_responses((Unauthorized, f"Send an API key as bearer token or in {HEADER}."))


def key_needed(keys: ApiKeys) -> Any:
    """Return the dependency that lets only requests with a valid key through."""

    async def check(
        bearer: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
        header: Annotated[str | None, Security(_header)],
    ) -> None:
        key = bearer.credentials if bearer else header
        if key is None:
            raise Unauthorized(f"Send an API key as bearer token or in the header {HEADER}.")
        if not keys.allow(key):
            raise Unauthorized("The API key is not valid, or not any more.")

    return Depends(check)
