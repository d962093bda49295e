import re
import threading
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service import __version__
from service.app import create_app
from service.errors import ServiceError
from service.inference.bundle import Bundle
from service.inference.card import Card
from service.schemas import Problem
from service.settings import Settings
from tests.server import TIMEOUT_S
from tests.service.serving import assert_problem, serve, unstarted, wait_until_loaded

SLUGS = {kind.slug() for kind in ServiceError.__subclasses__()}
UPLOAD_PROBLEMS = {
    408: {"upload-too-slow"},
    413: {"too-many-bytes", "too-many-seconds"},
    415: {"unsupported-audio", "unsupported-encoding"},
    422: {"unusable-audio", "invalid-request"},
    429: {"too-many-requests", "too-many-uploads"},
    503: {"overloaded", "not-ready"},
    504: {"deadline-exceeded"},
}
CLASSIFYING = ["classify_all", "classify_genre", "classify_chord", "classify_emotion"]
# What no endpoint answers: before one is found, when none is left to be told, or only if asked to.
UNDOCUMENTED = {
    "bad-request",
    "client-left",
    "forbidden",
    "head-too-slow",
    "method-not-allowed",
    "unauthorized",
    # Streams are described in another document.
    "foreign-page",
    "too-many-streams",
    "upgrade-required",
    # Rows of a library's table, answers to nobody.
    "unreadable-file",
    "worker-killed",
}
REFERENCE = re.compile(r"""(?:src|href)\s*=\s*["']([^"']+)["']""")
OTHER_HOST = re.compile(r"^(?:[a-z]+:)?//", re.IGNORECASE)


@pytest.fixture(scope="module")
def document(models_dir: Path) -> dict[str, Any]:
    response = unstarted(Settings(models_dir=models_dir)).get("/openapi.json")
    assert response.status_code == 200
    found: dict[str, Any] = response.json()
    return found


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        operation["operationId"]: operation
        for path in document["paths"].values()
        for operation in path.values()
    }


def test_the_process_is_alive_while_its_models_load(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    real_load = Bundle.load

    def slow_load(folder: Path) -> Bundle:
        assert released.wait(TIMEOUT_S)
        return real_load(folder)

    monkeypatch.setattr(Bundle, "load", slow_load)
    with TestClient(create_app(Settings(models_dir=models_dir))) as client:
        assert client.get("/health/live").status_code == 200
        assert client.get("/health/ready").json()["status"] == "loading"
        assert_problem(client.post("/classify/genre"), 503, "not-ready")
        released.set()
        wait_until_loaded(client)
        assert client.get("/health/ready").json()["status"] == "ready"


def test_settings_come_from_the_environment_by_default(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SERVICE_MODELS_DIR", str(models_dir / "genre"))
    monkeypatch.setenv("SERVICE_TASKS", "tempo")

    summaries = TestClient(create_app()).get("/models").json()

    assert [summary["task"] for summary in summaries] == ["tempo"]


def test_the_workers_stop_with_the_application(models_dir: Path) -> None:
    def worker_threads() -> set[threading.Thread]:
        return {thread for thread in threading.enumerate() if thread.name.startswith("classify")}

    before = worker_threads()
    with serve(Settings(models_dir=models_dir, workers=2)) as client:
        client.post("/classify/genre", content=b"x", headers={"content-type": "audio/wav"})
        assert worker_threads() > before
    assert worker_threads() == before


def test_operation_ids_read_well_in_generated_clients(document: dict[str, Any]) -> None:
    assert set(operations(document)) == {
        *CLASSIFYING,
        "list_models",
        "get_model_card",
        "live",
        "ready",
        "metrics",
    }


def test_the_document_states_the_version(document: dict[str, Any]) -> None:
    assert document["info"]["version"] == __version__


@pytest.mark.parametrize("operation", CLASSIFYING)
def test_every_problem_of_an_upload_is_documented(document: dict[str, Any], operation: str) -> None:
    responses = operations(document)[operation]["responses"]
    for status, slugs in UPLOAD_PROBLEMS.items():
        content = responses[str(status)]["content"]
        assert list(content) == ["application/problem+json"]
        assert set(content["application/problem+json"]["examples"]) == slugs


def test_every_documented_error_is_a_problem_with_valid_examples(
    document: dict[str, Any],
) -> None:
    assert set(document["components"]["schemas"]["Problem"]["required"]) == set(
        Problem.model_fields
    )
    seen = set()
    for name, operation in operations(document).items():
        for status, response in operation["responses"].items():
            if status == "200" or (name, status) == ("ready", "503"):
                continue
            media = response["content"]["application/problem+json"]
            assert media["schema"] == {"$ref": "#/components/schemas/Problem"}
            for slug, example in media.get("examples", {}).items():
                problem = Problem.model_validate(example["value"], strict=True)
                assert problem.type == f"/problems/{slug}"
                assert str(problem.status) == status
                seen.add(slug)
    assert seen == SLUGS - UNDOCUMENTED
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_operation_and_parameter_is_explained(document: dict[str, Any]) -> None:
    for operation in operations(document).values():
        assert operation["summary"]
        assert operation["description"]
        assert all(parameter["description"] for parameter in operation.get("parameters", []))


def test_every_reference_within_the_document_exists(document: dict[str, Any]) -> None:
    references = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert references <= set(document["components"]["schemas"])
    assert Card.__name__ in references


@pytest.mark.parametrize("page", ["/docs", "/"])
def test_pages_need_no_other_host(client: TestClient, page: str) -> None:
    html = client.get(page).text
    # A data: address holds its content itself.
    references = [r for r in REFERENCE.findall(html) if not r.startswith("data:")]

    assert references
    assert not [reference for reference in references if OTHER_HOST.match(reference)]
    for reference in references:
        assert client.get(reference).status_code == 200


def test_the_api_page_finds_the_document(client: TestClient) -> None:
    assert 'src="static/docs.js"' in client.get("/docs").text
    assert 'url: "openapi.json"' in client.get("/static/docs.js").text
    assert client.get("/openapi.json").headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "path",
    ["/", "/models", "/models/genre", "/metrics", "/health/live", "/problems/not-found"],
)
def test_what_can_be_read_can_be_asked_about_without_its_content(
    client: TestClient, path: str
) -> None:
    asked, read = client.head(path), client.get(path)
    assert asked.status_code == read.status_code == 200
    assert asked.headers["content-type"] == read.headers["content-type"]
