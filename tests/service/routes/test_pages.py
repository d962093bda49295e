import pytest
from starlette.testclient import TestClient

from service.errors import ServiceError
from tests.service.serving import assert_problem

KINDS: list[type[ServiceError]] = [ServiceError, *ServiceError.__subclasses__()]


def test_the_start_page_posts_a_file_to_the_service(client: TestClient) -> None:
    response = client.get("/")

    assert response.status_code == 200
    assert response.headers["content-type"].startswith("text/html")
    assert '<input type="file"' in response.text
    assert 'fetch("classify"' in response.text


def test_the_start_page_names_no_other_host(client: TestClient) -> None:
    assert "//" not in client.get("/").text.replace("<!doctype", "")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.slug())
def test_every_kind_of_problem_is_explained_at_its_address(
    client: TestClient, kind: type[ServiceError]
) -> None:
    response = client.get(f"/problems/{kind.slug()}")

    assert response.status_code == 200
    assert response.text.startswith(f"{kind.status} {kind.title}\n")
    assert str(kind.__doc__) in response.text


def test_an_unknown_kind_of_problem_is_not_found(client: TestClient) -> None:
    problem = assert_problem(client.get("/problems/bad-mood"), 404, "not-found")
    assert "unusable-audio" in problem["detail"]
