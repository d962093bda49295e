"""Requests made from the OpenAPI document, fitting and not, get answers that fit it."""

from typing import Any

import pytest

# Schemathesis is imported where it is used: all processes that share the tests load this module,
# and one of them runs it.
# ruff: noqa: PLC0415

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
    *[(path, "positive") for path in OPERATIONS],
    *[(path, "negative") for path in OPERATIONS if path.startswith("/classify")],
]


@pytest.fixture(scope="module")
def schema(shared_service: str) -> Any:
    import schemathesis

    return schemathesis.openapi.from_url(f"{shared_service}/openapi.json")


def test_every_operation_is_tried(schema: Any) -> None:
    assert {found.ok().path for found in schema.get_all_operations()} == set(OPERATIONS)


@pytest.mark.parametrize(("path", "mode"), WAYS)
def test_every_answer_fits_the_document(schema: Any, path: str, mode: str) -> None:
    from hypothesis import HealthCheck, given, settings
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    operation = schema[path][OPERATIONS[path]]

    @given(case=operation.as_strategy(generation_mode=GenerationMode(mode)))
    @settings(
        max_examples=10,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def check(case: Any) -> None:
        # No schema tells which bytes are audio, so a fitting request may still be refused.
        case.call_and_validate(excluded_checks=[positive_data_acceptance])

    check()
