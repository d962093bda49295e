import pytest
from starlette.testclient import TestClient

from service.http.security_headers import HEADERS
from service.inference.registry import Registry


@pytest.mark.parametrize("path", ["/", "/docs", "/models", "/nowhere", "/health/live"])
def test_every_answer_carries_the_headers(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    for name, value in HEADERS.items():
        assert headers.get_list(name) == [value]


def test_the_answer_to_a_crash_carries_them_too(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(_registry: Registry) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr(Registry, "entries", crash)
    response = client.get("/models")
    assert response.status_code == 500
    for name, value in HEADERS.items():
        assert response.headers.get_list(name) == [value]
