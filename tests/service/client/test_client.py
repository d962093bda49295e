import asyncio
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import get_type_hints

import httpx
import pytest

from service.client import AsyncClient, Client, ServiceUnreachable
from service.client.exchange import Asked
from service.errors import (
    InvalidRequest,
    NotFound,
    Overloaded,
    ServiceError,
    TooManyBytes,
    Unauthorized,
    UnusableAudio,
)
from service.routes.options import Options
from tests.audio import encode, tone
from tests.bundles import GENRES, band_centre_hz

URL = "http://service"
AUDIO = {
    "duration_s": 1.0,
    "sample_rate_hz": 8000,
    "channels": 1,
    "format": "wav",
    "warnings": [],
}
ANSWERS = {"audio": AUDIO, "results": {}}
Handler = Callable[[httpx.Request], httpx.Response]


def problem(status: int, slug: str, **headers: str) -> httpx.Response:
    document = {
        "type": f"/problems/{slug}",
        "title": "Odd",
        "status": status,
        "detail": "It is odd.",
        "instance": "/classify",
        "request_id": "f00",
    }
    return httpx.Response(status, json=document, headers=headers)


def client_of(handler: Handler, **options: float) -> Client:
    return Client(URL, transport=httpx.MockTransport(handler), **options)  # type: ignore[arg-type]


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waits that were asked for, none of which is made."""
    waited: list[float] = []
    monkeypatch.setattr("service.client.sync.time.sleep", waited.append)
    return waited


def in_turn(*answers: httpx.Response | Exception) -> Handler:
    waiting = iter(answers)

    def handle(_: httpx.Request) -> httpx.Response:
        answer = next(waiting)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return handle


def test_a_service_answers_in_its_own_schemas(shared_service: str, tmp_path: Path) -> None:
    jazz = encode(tone(band_centre_hz(GENRES.index("jazz"), len(GENRES))))
    (tmp_path / "jazz.wav").write_bytes(jazz)
    with Client(shared_service) as client:
        answers = client.classify(tmp_path / "jazz.wav", timeline=True)
        top = client.classify_task("genre", io.BytesIO(jazz), top_k=1)
        models = client.models()
        card = client.card("genre")
        with pytest.raises(UnusableAudio, match="empty"):
            client.classify(b"")
        with pytest.raises(NotFound, match="no task 'tempo'"):
            client.classify_task("tempo", jazz)

    assert set(answers.results) == {"genre", "chord", "emotion"}
    assert answers.results["genre"].label == "jazz"
    assert answers.results["genre"].timeline
    assert list(top.probabilities) == ["jazz"]
    assert {model.task for model in models} == set(answers.results)
    assert card.labels == list(GENRES)


def test_what_is_asked_is_sent_as_the_api_has_it() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/classify"
        assert dict(request.url.params) == {
            "timeline": "true",
            "top_k": "2",
            "embedding": "true",
            "start_s": "0.0",
            "duration_s": "5",
        }
        assert request.headers["Authorization"] == "Bearer key"
        assert request.content == b"audio"
        return httpx.Response(200, json=ANSWERS)

    with Client(URL, api_key="key", transport=httpx.MockTransport(handle)) as client:
        client.classify(b"audio", timeline=True, top_k=2, embedding=True, start_s=0.0, duration_s=5)


def test_what_is_not_asked_is_not_sent() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {}
        return httpx.Response(200, json=ANSWERS)

    with client_of(handle) as client:
        client.classify(b"audio", timeline=False, top_k=None, embedding=False, duration_s=None)


def test_the_clients_have_every_parameter_of_the_api() -> None:
    assert set(get_type_hints(Asked)) | {"format"} == set(Options.model_fields)


def test_the_service_tells_which_parameter_was_meant(shared_service: str) -> None:
    with (
        Client(shared_service) as client,
        pytest.raises(InvalidRequest, match="Did you mean 'top_k'"),
    ):
        client.classify(encode(tone()), topk=2)  # type: ignore[call-arg]


def test_a_lab_is_text() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        assert dict(request.url.params) == {"format": "lab", "start_s": "3"}
        return httpx.Response(200, text="0.000\t1.000\tC:maj\n")

    with client_of(handle) as client:
        assert client.lab(b"audio", start_s=3) == "0.000\t1.000\tC:maj\n"


@pytest.mark.parametrize(
    ("status", "slug", "kind"),
    [
        (413, "too-many-bytes", TooManyBytes),
        (401, "unauthorized", Unauthorized),
        (418, "of-a-later-version", ServiceError),
    ],
)
def test_problems_are_exceptions_that_tell_their_detail(
    status: int, slug: str, kind: type[ServiceError]
) -> None:
    with client_of(in_turn(problem(status, slug))) as client, pytest.raises(kind) as caught:
        client.classify(b"audio")

    assert type(caught.value) is kind
    assert caught.value.detail == "It is odd."
    assert caught.value.request_id == "f00"


def test_a_busy_service_is_asked_again_when_it_says(waits: list[float]) -> None:
    busy = {"Retry-After": "7"}
    handler = in_turn(
        problem(503, "overloaded", **busy),
        problem(429, "too-many-uploads"),
        httpx.ReadError("cut off"),
        httpx.Response(200, json=ANSWERS),
    )
    with client_of(handler) as client:
        client.classify(b"audio")

    assert waits[0] == 7
    assert 0.25 <= waits[1] <= 0.5
    assert 0.5 <= waits[2] <= 1


def test_too_many_requests_in_a_minute_are_spread_over_time(waits: list[float]) -> None:
    limited = problem(429, "too-many-requests", **{"Retry-After": "6"})
    with client_of(in_turn(limited, httpx.Response(200, json=ANSWERS))) as client:
        client.classify(b"audio")

    assert waits == [6]


def test_patience_ends(waits: list[float]) -> None:
    busy = in_turn(problem(503, "overloaded", **{"Retry-After": "9"}))
    with client_of(busy, patience_s=8) as client, pytest.raises(Overloaded):
        client.classify(b"audio")
    away = in_turn(httpx.ConnectError("refused"))
    with (
        client_of(away, patience_s=0) as client,
        pytest.raises(ServiceUnreachable, match="refused"),
    ):
        client.classify(b"audio")
    assert waits == []


@pytest.mark.parametrize("ask", [lambda client: client.classify(b"audio"), Client.models])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(502, text="<html>"), "answers 502"),
        (httpx.Response(200, text="{}"), "does not answer as"),
        (httpx.Response(200, text="<html>"), "does not answer as"),
        (httpx.DecodingError("no gzip"), "no gzip"),
    ],
)
def test_what_is_no_such_service_is_told(
    answer: httpx.Response | Exception, message: str, ask: Callable[[Client], object]
) -> None:
    with (
        client_of(in_turn(answer), patience_s=0) as client,
        pytest.raises(ServiceUnreachable, match=message),
    ):
        ask(client)


@pytest.mark.parametrize("url", ["http://host:port", "http://[::1", f"http://{'a' * 64}.org"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_what_is_no_address_is_told(kind: type[Client | AsyncClient], url: str) -> None:
    with pytest.raises(ServiceUnreachable, match="is no address"):
        kind(url)


class BusyService:
    """Takes so many requests at the same time and refuses more, as the service does."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.at_work = self.most_at_work = self.answered = self.refused = 0

    async def handle(self, _: httpx.Request) -> httpx.Response:
        if self.at_work >= self.places:
            self.refused += 1
            return problem(503, "overloaded", **{"Retry-After": "0"})
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await asyncio.sleep(0.001)
        self.at_work -= 1
        self.answered += 1
        return httpx.Response(200, content=json.dumps(ANSWERS))


def test_as_many_requests_are_in_flight_as_the_service_takes() -> None:
    service = BusyService(places=10)

    async def ask() -> None:
        transport = httpx.MockTransport(service.handle)
        async with AsyncClient(URL, transport=transport) as client:
            await asyncio.gather(*(client.classify(b"audio") for _ in range(200)))

    asyncio.run(ask())

    assert service.answered == 200
    assert service.most_at_work == 10
    # Were all sent again each time, some 1,900 would be refused.
    assert service.refused < 500


def test_the_asynchronous_client_asks_like_the_other() -> None:
    paths = []

    def handle(request: httpx.Request) -> httpx.Response:
        paths.append(f"{request.url.path}?{request.url.query.decode()}")
        if request.url.path == "/models":
            return httpx.Response(200, json=[])
        if "lab" in str(request.url):
            return httpx.Response(200, text="lab")
        return problem(404, "not-found")

    async def ask() -> None:
        async with AsyncClient(URL, transport=httpx.MockTransport(handle)) as client:
            assert await client.models() == []
            assert await client.lab(b"audio") == "lab"
            with pytest.raises(NotFound):
                await client.card("tempo")
            with pytest.raises(NotFound):
                await client.classify_task("tempo", b"audio", top_k=1)

    asyncio.run(ask())

    assert paths == [
        "/models?",
        "/classify/chord?format=lab",
        "/models/tempo?",
        "/classify/tempo?top_k=1",
    ]
