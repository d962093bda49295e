"""Requests made from the OpenAPI document, fitting and not, get answers that fit it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from tests.server import server

OPERATIONS = {
    "/classify": "POST",
    "/classify/genre": "POST",
    "/classify/chord": "POST",
    "/classify/emotion": "POST",
    "/models": "GET",
    "/models/{task}": "GET",
    "/health/live": "GET",
    "/health/ready": "GET",
    "/metrics": "GET",
}
# Only an upload has parameters that can be wrong.
WAYS = [
    *[(path, GenerationMode.POSITIVE) for path in OPERATIONS],
    *[(path, GenerationMode.NEGATIVE) for path in OPERATIONS if path.startswith("/classify")],
]


@pytest.fixture(scope="module")
def schema(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    log = tmp_path_factory.mktemp("openapi") / "log"
    with server(models_dir, log) as (_, client):
        yield schemathesis.openapi.from_url(str(client.base_url.join("/openapi.json")))


def test_every_operation_is_tried(schema: Any) -> None:
    assert {found.ok().path for found in schema.get_all_operations()} == set(OPERATIONS)


@pytest.mark.parametrize(("path", "mode"), WAYS)
def test_every_answer_fits_the_document(schema: Any, path: str, mode: GenerationMode) -> None:
    operation = schema[path][OPERATIONS[path]]

    @given(case=operation.as_strategy(generation_mode=mode))
    @settings(
        max_examples=15,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: schemathesis.Case[Any]) -> None:
        # No schema tells which bytes are audio, so a fitting request may still be refused.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()
