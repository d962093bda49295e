"""What is sent and how answers are read, the same for both clients."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypedDict, TypeVar

import httpx
from pydantic import TypeAdapter, ValidationError

from service.errors import ServiceError, problem_kinds
from service.schemas import ModelSummary, Problem

Audio = Path | str | bytes | BinaryIO
"""The path of a file, its bytes, or a file that is open for reading bytes."""

Answer = TypeVar("Answer")

SUMMARIES = TypeAdapter(list[ModelSummary])

TIMEOUT_S = 120.0
PATIENCE_S = 60.0
# The service knows formats by their content; what is not said to be audio it may take for text.
MEDIA_TYPE = "audio/x-unknown"


class Excerpted(TypedDict, total=False):
    """Which part of a recording is heard: the parameters of the API.

    Attributes
    ----------
    start_s
        From here on.
    duration_s
        So many seconds; without, to the end.
    """

    start_s: float
    duration_s: float | None


class Asked(Excerpted, total=False):
    """What may be asked of audio: the parameters of the API, each with its default there.

    Attributes
    ----------
    timeline
        Also answer for each stretch of time.
    top_k
        Probabilities of the most probable labels only, so many.
    embedding
        Also give what the network hears as a vector.
    """

    timeline: bool
    top_k: int | None
    embedding: bool


class ServiceUnreachable(Exception):
    """No service answers at the address, or what answers is no such service."""


@dataclass(frozen=True)
class Exchange:
    """One request, which may be sent again: the service keeps nothing of it."""

    method: str
    path: str
    params: Mapping[str, str | int | float] | None = None
    body: bytes | None = None
    accept: str = "application/json"

    @property
    def headers(self) -> dict[str, str]:
        """The headers that go with it."""
        sent = {} if self.body is None else {"Content-Type": MEDIA_TYPE}
        return {"Accept": self.accept, **sent}


def upload(path: str, audio: Audio, asked: Excerpted, *, lab: bool = False) -> Exchange:
    """Return the request that has audio classified.

    A name that is no parameter is sent too: the service's answer tells which one was meant.
    """
    params: dict[str, str | int | float] = {}
    for name, value in asked.items():
        if value is True:
            params[name] = "true"
        elif isinstance(value, int | float) and value is not False:
            params[name] = value
    if lab:
        params["format"] = "lab"
    accept = "text/plain" if lab else "application/json"
    return Exchange("POST", path, params, _bytes_of(audio), accept)


def address(url: str) -> httpx.URL:
    """Return the address of a service.

    Raises
    ------
    ServiceUnreachable
        It is none.
    """
    try:
        read_as = httpx.URL(url)
        read_as.host.encode("idna")  # or it would fail where the name is looked up
    except (httpx.InvalidURL, UnicodeError) as error:
        raise ServiceUnreachable(f"{url} is no address of a service: {error}") from error
    return read_as


def headers_of(api_key: str | None) -> dict[str, str]:
    """Return the headers that every request of a client has."""
    return {"Authorization": f"Bearer {api_key}"} if api_key else {}


def checked(response: httpx.Response) -> httpx.Response:
    """Return an answer, or raise the problem that it is.

    Raises
    ------
    ServiceError
        The service answered with a problem document.
    ServiceUnreachable
        Something else answered with an error.
    """
    if response.is_success:
        return response
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        raise ServiceUnreachable(
            f"{response.url} answers {response.status_code}, and not as this service does."
        ) from None
    kind = problem_kinds().get(problem.type.rpartition("/")[2], ServiceError)
    retry_after = response.headers.get("Retry-After", "")
    raise kind(
        problem.detail,
        retry_after_s=int(retry_after) if retry_after.isdigit() else None,
        request_id=problem.request_id,
    )


def read(response: httpx.Response, shape: Callable[[bytes], Answer]) -> Answer:
    """Return a successful answer in its shape, which is told by what reads its JSON.

    Raises
    ------
    ServiceUnreachable
        It does not have that shape.
    """
    try:
        return shape(response.content)
    except ValidationError as error:
        raise ServiceUnreachable(
            f"{response.url} does not answer as this version of the service does: {error}"
        ) from error


def _bytes_of(audio: Audio) -> bytes:
    if isinstance(audio, bytes):
        return audio
    if isinstance(audio, str | Path):
        return Path(audio).read_bytes()
    return audio.read()
