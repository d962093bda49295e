import asyncio
import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.client import AsyncClient
from service.library.problems import LibraryError
from service.library.question import Question
from service.library.remote import remote_engine
from tests.server import server
from tests.service.library.libraries import InlineEngine, write_library


@pytest.fixture(scope="module")
def busy(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service with places for three, so that some are refused and ask again."""
    with server(models_dir, tmp_path_factory.mktemp("busy") / "log", queue_size=2) as (_, http):
        yield str(http.base_url)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    write_library(tmp_path / "music", 12)
    (tmp_path / "music" / "broken.mp3").write_bytes(b"ID3")
    return sorted(str(file) for file in (tmp_path / "music").iterdir())


@pytest.mark.parametrize(
    ("service", "tasks", "more"),
    [
        ("busy", None, {"top_k": 2}),
        ("shared_service", ("genre",), {"start_s": 0.1, "duration_s": 0.2, "timeline": True}),
        ("shared_service", ("genre", "emotion"), {"embedding": True}),
    ],
)
def test_a_service_answers_as_its_bundles_do(
    request: pytest.FixtureRequest,
    models_dir: Path,
    files: list[str],
    service: str,
    tasks: tuple[str, ...] | None,
    more: dict[str, Any],
) -> None:
    with remote_engine(request.getfixturevalue(service), tasks, None, 60) as engine:
        question = Question(tasks=tuple(engine.models), **more)
        outcomes = {outcome.file: outcome for outcome in engine.classify(files, question)}
        hashes = {outcome.file: outcome.sha256 for outcome in engine.hash(files)}

    inline = InlineEngine(models_dir, engine.models)
    assert engine.models == inline.models
    for expected in inline.classify(files, question):
        assert outcomes[expected.file] == expected
        assert hashes[expected.file] == expected.sha256
    assert len(outcomes) == len(files)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", r"No service answers: .*\. Is http://127.0.0.1:1 the address"),
        ("http://host:port", "is no address"),
    ],
)
def test_a_service_that_is_not_there_ends_the_run(url: str, message: str) -> None:
    with (
        pytest.raises(LibraryError, match=message),
        remote_engine(url, None, None, 0.1),
    ):
        pytest.fail("there is nobody")


@pytest.mark.parametrize(("status", "slug"), [(401, "unauthorized"), (403, "forbidden")])
def test_a_service_that_wants_a_key_ends_the_run_at_once_and_for_all_files(
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    models_dir: Path,
    files: list[str],
    status: int,
    slug: str,
) -> None:
    card = (models_dir / "genre" / "card.json").read_bytes()

    refused = 0

    async def handle(request: httpx.Request) -> httpx.Response:
        nonlocal refused
        if request.url.path == "/models":
            summary = {"task": "genre", "state": "ready", "version": "1"}
            return httpx.Response(200, json=[summary])
        if request.url.path == "/models/genre":
            return httpx.Response(200, content=card)
        refused += 1
        while refused < 2:  # so that two files are refused together
            await asyncio.sleep(0)
        problem = {"type": f"/problems/{slug}", "title": "Key needed", "status": status}
        told = {"detail": "Send a key.", "instance": "/classify", "request_id": "f00"}
        return httpx.Response(status, json=problem | told)

    def client(url: str, **options: Any) -> AsyncClient:
        return AsyncClient(url, transport=httpx.MockTransport(handle), **options)

    monkeypatch.setattr("service.library.remote.AsyncClient", client)

    with (
        pytest.raises(LibraryError, match="The service refuses: Send a key"),
        remote_engine("http://service", None, None, 1) as engine,
    ):
        list(engine.classify(files, Question(tasks=("genre",))))
    gc.collect()  # asyncio tells of errors that nobody looked at when their tasks are let go
    assert [record.message for record in caplog.records if record.name == "asyncio"] == []
