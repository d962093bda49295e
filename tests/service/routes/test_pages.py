import re
from importlib.resources import files
from pathlib import Path
from urllib.parse import urljoin

import pytest
from starlette.testclient import TestClient

from service.errors import ServiceError, problem_kinds
from service.settings import Settings
from tests.service.serving import assert_problem, serve, unstarted

BROWSER = {"accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = files("service").joinpath("pages")
REFERENCE = re.compile(r"""(?:src|href)="([^"]+)\"""")
IMPORT = re.compile(r"""(?:from |new URL\(|import )"(\.[^"]+)\"""")
OTHER_HOST = re.compile(r"(?:https?:)?//[a-z]", re.IGNORECASE)
# Where an SVG says what its elements are; no browser asks for it.
NAMESPACE = "http://www.w3.org/2000/svg"


def static_names() -> list[str]:
    root = Path(str(PAGES.joinpath("static")))
    return sorted(str(file.relative_to(root)) for file in root.rglob("*") if file.is_file())


LOST = ["/nothing", "/nothing/", "/models/tempo", "/a/b/c", "/static/gone.js"]


@pytest.mark.parametrize("path", ["/", "/docs", "/models", "/models/genre", *LOST])
def test_everything_that_a_page_names_is_there(client: TestClient, path: str) -> None:
    response = client.get(path, headers=BROWSER)

    assert response.status_code == (404 if path in LOST else 200)
    assert response.headers["content-type"].startswith("text/html")
    references = REFERENCE.findall(response.text)
    assert references
    for reference in references:
        # Whatever path a proxy offers the service under, so no address may begin with a slash.
        assert not reference.startswith("/")
        assert client.get(urljoin(path, reference)).status_code == 200, reference


@pytest.mark.parametrize("name", static_names())
def test_every_static_file_is_served_as_what_it_is(client: TestClient, name: str) -> None:
    response = client.get(f"/static/{name}")

    kinds = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
    assert response.headers["content-type"].split(";")[0] == kinds[Path(name).suffix]
    assert response.headers["cache-control"] == "no-cache"
    assert OTHER_HOST.search(response.text.replace(NAMESPACE, "")) is None
    for imported in IMPORT.findall(response.text):
        assert client.get(urljoin(f"/static/{name}", imported)).status_code == 200, imported
    etag = response.headers["etag"]
    assert client.get(f"/static/{name}", headers={"if-none-match": etag}).status_code == 304


def test_browsers_find_the_icon_without_a_page_that_names_it(client: TestClient) -> None:
    icon = client.get("/favicon.ico")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert icon.content == client.get("/static/favicon.svg").content


@pytest.mark.parametrize("name", ["index", "models", "model", "docs", "problem"])
def test_no_page_holds_code_or_style_of_its_own(name: str) -> None:
    text = PAGES.joinpath(f"{name}.html").read_text("utf-8")
    assert re.findall(r"<script[^>]*>(?!</script>)", text) == []
    assert re.search(r"<style|\sstyle=|\son[a-z]+=", text) is None


@pytest.mark.parametrize("name", ["../index.html", "..%2f..%2fsettings.py", "nothing.js", "music"])
def test_nothing_else_is_served(client: TestClient, name: str) -> None:
    assert_problem(client.get(f"/static/{name}"), 404, "not-found")


@pytest.mark.parametrize("path", ["/models", "/models/genre"])
def test_browsers_get_a_page_and_clients_get_json(client: TestClient, path: str) -> None:
    page = client.get(path, headers=BROWSER)
    data = client.get(path)

    assert page.headers["content-type"].startswith("text/html")
    assert data.headers["content-type"] == "application/json"
    assert page.headers["vary"] == data.headers["vary"] == "Accept"
    asked_for_json = client.get(path, headers={"accept": "application/json"})
    assert asked_for_json.json() == data.json()
    assert client.head(path, headers=BROWSER).status_code == 200


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("text/html;q=0.5, application/json", "application/json"),
        ("application/json;q=0.5, text/html", "text/html; charset=utf-8"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
)
def test_what_is_liked_most_is_answered(client: TestClient, accept: str, kind: str) -> None:
    response = client.get("/models/genre", headers={"accept": accept})
    assert response.headers["content-type"] == kind


@pytest.mark.parametrize("path", ["/docs", "/models", "/models/genre"])
def test_a_page_is_never_shown_one_level_too_deep(client: TestClient, path: str) -> None:
    response = client.get(f"{path}/", headers=BROWSER, follow_redirects=False)
    assert response.status_code == 307
    assert response.headers["location"] == path


def test_people_who_go_astray_get_a_page_and_programs_a_document(client: TestClient) -> None:
    page = client.get("/models/tempo", headers=BROWSER)
    document = client.get("/models/tempo")

    problem = assert_problem(document, 404, "not-found")
    assert page.status_code == 404
    assert page.headers["vary"] == document.headers["vary"] == "Accept"
    for told in (problem["title"], problem["detail"].replace("'", "&#x27;")):
        assert told in page.text
    assert page.headers["X-Request-ID"] in page.text
    assert client.head("/nothing", headers=BROWSER).status_code == 404


@pytest.mark.parametrize("path", ["/classify/genre", "/stream", "/problems/bad-mood"])
def test_a_browser_gets_a_page_for_other_problems_too(client: TestClient, path: str) -> None:
    page = client.get(path, headers=BROWSER)
    assert page.headers["content-type"].startswith("text/html")
    assert client.get(path).json()["title"] in page.text


@pytest.mark.parametrize(
    ("method", "accept"),
    [("GET", "*/*"), ("GET", "application/json, text/html;q=0.9"), ("POST", BROWSER["accept"])],
)
def test_who_sends_something_or_likes_data_gets_the_document(
    client: TestClient, method: str, accept: str
) -> None:
    assert_problem(client.request(method, "/nothing", headers={"accept": accept}), 404, "not-found")


def test_a_page_shows_what_was_asked_for_as_text(client: TestClient) -> None:
    page = client.get("/<b>here</b>", headers=BROWSER)
    assert "<b>" not in page.text
    assert "&lt;b&gt;here" in page.text


@pytest.mark.parametrize("asked", ["/music/a/b", "/a/b"])
def test_a_page_under_a_path_leads_back_whether_or_not_the_proxy_leaves_it(
    models_dir: Path, asked: str
) -> None:
    client = unstarted(Settings(models_dir=models_dir, root_path="/music"))
    page = client.get(asked, headers=BROWSER)
    assert page.status_code == 404
    links = {urljoin("/music/a/b", link) for link in REFERENCE.findall(page.text)}
    assert {"/music/", "/music/models", "/music/static/style/theme.css"} <= links


def test_pages_need_no_key(models_dir: Path, tmp_path: Path) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text("0" * 64)
    with serve(Settings(models_dir=models_dir, api_keys_file=keys)) as guarded:
        assert guarded.get("/models/genre", headers=BROWSER).status_code == 200
        assert guarded.get("/static/app.js").status_code == 200
        assert_problem(guarded.get("/models/genre"), 401, "unauthorized")


@pytest.mark.parametrize("kind", problem_kinds().values(), ids=lambda kind: kind.slug())
def test_every_kind_of_problem_is_explained_at_its_address(
    client: TestClient, kind: type[ServiceError]
) -> None:
    response = client.get(f"/problems/{kind.slug()}")

    assert response.status_code == 200
    assert response.text.startswith(f"{kind.status} {kind.title}\n")
    assert str(kind.__doc__).replace("``", "") in response.text
    assert "`" not in response.text


def test_an_unknown_kind_of_problem_is_not_found(client: TestClient) -> None:
    problem = assert_problem(client.get("/problems/bad-mood"), 404, "not-found")
    assert "unusable-audio" in problem["detail"]
