from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.settings import Settings
from tests.service.serving import serve


@pytest.fixture(scope="module")
def offered(models_dir: Path) -> Iterator[TestClient]:
    """A service that a proxy offers under /our/music."""
    with serve(Settings(models_dir=models_dir, root_path="/our/music")) as client:
        yield client


@pytest.mark.parametrize("left_by_the_proxy", ["", "/our/music"])
@pytest.mark.parametrize(
    "path", ["/", "/docs", "/static/app.js", "/static-offline-docs/swagger-ui.css", "/models/genre"]
)
def test_proxies_may_take_the_path_away_or_leave_it(
    offered: TestClient, left_by_the_proxy: str, path: str
) -> None:
    assert offered.get(left_by_the_proxy + path).status_code == 200


@pytest.mark.parametrize("left_by_the_proxy", ["", "/our/music"])
def test_problems_name_addresses_that_clients_can_follow(
    offered: TestClient, left_by_the_proxy: str
) -> None:
    problem = offered.get(f"{left_by_the_proxy}/models/tempo").json()
    assert problem["type"] == "/our/music/problems/not-found"
    assert problem["instance"] == "/our/music/models/tempo"
    assert offered.get(problem["type"]).text.startswith("404")


def test_a_path_that_only_begins_alike_is_not_taken_for_it(offered: TestClient) -> None:
    problem = offered.get("/our/musicians").json()
    assert problem["instance"] == "/our/music/our/musicians"


def test_the_document_tells_where_the_service_is(offered: TestClient) -> None:
    assert offered.get("/openapi.json").json()["servers"] == [{"url": "/our/music"}]


def test_the_path_without_its_slash_leads_to_the_start_page(offered: TestClient) -> None:
    response = offered.get("/our/music", follow_redirects=False)
    assert response.status_code == 307
    assert response.headers["location"] == "/our/music/"


def test_routes_are_counted_under_their_own_names(offered: TestClient) -> None:
    offered.get("/our/music/health/live")
    assert 'path="/our/music' not in offered.get("/metrics").text
