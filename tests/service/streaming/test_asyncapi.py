"""The AsyncAPI document fits its schema, and the streams fit the document."""

import json
import shutil
import subprocess
import tarfile
from typing import Any

import jsonschema_rs
import pytest
from starlette.datastructures import URL
from starlette.testclient import TestClient

from service import __version__
from service.streaming.asyncapi import asyncapi_document
from tests.audio import tone
from tests.bundles import SAMPLE_RATE_HZ
from tests.service.streaming.said import START_JSON, floats

# The schema is fetched, not kept: it is as long as all of the service's code.
SCHEMA_PACKAGE = "@asyncapi/specs@6.11.1"
SCHEMA_FILE = "package/schemas/3.0.0.json"
FETCH_S = 60


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Any:
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed, so there is no schema of AsyncAPI to check against")
    folder = tmp_path_factory.mktemp("asyncapi")
    command = [npm, "pack", "--silent", SCHEMA_PACKAGE]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=FETCH_S, check=False)  # noqa: S603  # a fixed command
    if done.returncode != 0:
        pytest.skip("npm cannot fetch the schema of AsyncAPI to check against")
    (package,) = folder.glob("*.tgz")
    with tarfile.open(package) as files:
        file = files.extractfile(SCHEMA_FILE)
        assert file is not None
        return json.load(file)


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    response = client.get("/asyncapi.json")
    assert response.headers["content-type"] == "application/json"
    found: dict[str, Any] = response.json()
    return found


def fits(document: dict[str, Any], name: str, instance: Any) -> bool:
    """Tell whether something fits one of the document's own schemas."""
    schemas = {"components": document["components"], "$ref": f"#/components/schemas/{name}"}
    return jsonschema_rs.is_valid(schemas, instance)


def test_the_document_fits_the_schema_of_asyncapi(schema: Any, document: dict[str, Any]) -> None:
    jsonschema_rs.validate(schema, document)
    # The schema can find faults: a document without its information does not fit.
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.validate(schema, {**document, "info": {}})


def test_it_tells_the_version_and_the_tasks(document: dict[str, Any]) -> None:
    assert document["info"]["version"] == __version__
    parameter = document["channels"]["task"]["parameters"]["task"]
    assert set(parameter["enum"]) == {"genre", "chord", "emotion"}


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(part: object) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if "$ref" in part else []
            return own + [r for value in part.values() for r in references(value)]
        return [r for value in part for r in references(value)] if isinstance(part, list) else []

    found = references(document)
    assert len(found) > 20
    for reference in found:
        place: Any = document
        for name in reference.removeprefix("#/").split("/"):
            place = place[name]


@pytest.mark.parametrize(
    ("base", "server"),
    [
        ("http://localhost:8000/", {"host": "localhost:8000", "protocol": "ws"}),
        (
            "https://music.example/app/",
            {"host": "music.example", "protocol": "wss", "pathname": "/app"},
        ),
    ],
)
def test_the_server_is_the_one_that_was_asked(base: str, server: dict[str, str]) -> None:
    assert asyncapi_document(URL(base), ["genre"])["servers"]["here"] == server


def test_what_is_said_fits_the_document(client: TestClient, document: dict[str, Any]) -> None:
    messages = document["components"]["messages"]
    assert fits(document, "StreamStart", messages["start"]["examples"][0]["payload"])
    assert fits(document, "StreamStart", START_JSON)
    assert not fits(document, "StreamStart", START_JSON | {"encoding": "mp3"})
    for path, name in (("/stream", "StreamAnswer"), ("/stream/genre", "TaskStreamAnswer")):
        with client.websocket_connect(path) as websocket:
            websocket.send_json(START_JSON)
            websocket.send_bytes(floats(tone(440, 0.6, rate_hz=SAMPLE_RATE_HZ)))
            websocket.send_json({"end": True})
            first, final = websocket.receive_json(), websocket.receive_json()
        assert fits(document, name, first)
        assert fits(document, name, final)
        assert not fits(document, name, first | {"heard_s": "long"})
