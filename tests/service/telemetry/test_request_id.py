import re

import pytest
from starlette.testclient import TestClient

from service.telemetry.request_id import HEADER, request_id

MADE_BY_US = re.compile(r"[0-9a-f]{32}")


@pytest.mark.parametrize("offered", ["a", "trace-1_2.3", "A" * 64])
def test_a_harmless_id_of_the_client_is_kept(client: TestClient, offered: str) -> None:
    assert client.get("/health/live", headers={HEADER: offered}).headers[HEADER] == offered


@pytest.mark.parametrize("offered", ["", "A" * 65, "two words", "a\tb", "<script>", "a;b", "ü"])
def test_a_suspicious_id_of_the_client_is_replaced(client: TestClient, offered: str) -> None:
    response = client.get("/health/live", headers=[(HEADER.encode(), offered.encode("latin-1"))])
    assert MADE_BY_US.fullmatch(response.headers[HEADER])


def test_requests_without_an_id_get_different_ones(client: TestClient) -> None:
    made = {client.get("/health/live").headers[HEADER] for _ in range(5)}

    assert len(made) == 5
    assert all(MADE_BY_US.fullmatch(identifier) for identifier in made)


def test_an_answer_has_one_id_only(client: TestClient) -> None:
    response = client.get("/nowhere", headers={HEADER: "mine"})

    assert response.headers.get_list(HEADER) == ["mine"]
    assert response.json()["request_id"] == "mine"


def test_a_scope_that_the_middleware_never_saw_has_no_id() -> None:
    assert request_id({"type": "http"}) == "none"
