"""The pages of a service that asks for API keys, offered under a path of another server."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.audio import encode, tone
from tests.server import server
from tests.service.pages.conftest import upload, watched

KEY = "a key of this test"


@pytest.fixture(scope="module")
def guarded(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service listens that asks for a key and is offered under /our/music."""
    folder = tmp_path_factory.mktemp("guarded")
    keys = folder / "keys.txt"
    keys.write_text(hashlib.sha256(KEY.encode()).hexdigest())
    settings = {"api_keys_file": keys, "root_path": "/our/music"}
    with server(models_dir, folder / "server.log", **settings) as (_, client):
        yield str(client.base_url).rstrip("/") + "/our/music"


@pytest.fixture
def visit(browser: Browser, guarded: str) -> Iterator[Page]:
    """A tab without a key."""
    context = browser.new_context()
    with watched(context.new_page(), guarded) as page:
        yield page
    context.close()


def give(page: Page, key: str) -> None:
    dialogue = page.get_by_role("dialog", name="API key")
    dialogue.get_by_label("Key").fill(key)
    dialogue.get_by_role("button", name="Use this key").click()


def choose(page: Page) -> None:
    page.locator("#file").set_input_files(upload("tone.wav", encode(tone(440, 2.0))))


def test_a_key_is_asked_for_and_kept_for_the_tab_alone(visit: Page, guarded: str) -> None:
    visit.goto(f"{guarded}/")
    choose(visit)
    dialogue = visit.get_by_role("dialog", name="API key")
    expect(dialogue).to_contain_text("only those who have a key")
    assert dialogue.get_by_label("Key").get_attribute("type") == "password"
    give(visit, "a wrong one")
    expect(dialogue).to_contain_text("That key is not valid")
    give(visit, KEY)
    expect(visit.locator(".cards .card")).to_have_count(3)
    command = visit.locator(".command code").inner_text()
    assert "X-API-Key: $KEY" in command
    assert KEY not in visit.content()
    assert f"{guarded}/classify" in command

    # The card opens in a new tab, which was opened by this one and so shares the key.
    with visit.context.expect_page() as opened:
        visit.locator(".of-genre .card-link").click()
    expect(opened.value.locator("#card")).to_contain_text("How good it is")
    assert opened.value.url == f"{guarded}/models/genre"
    # Another visit has none.
    other = visit.context.new_page()
    other.goto(f"{guarded}/models/genre")
    expect(other.get_by_role("dialog", name="API key")).to_be_visible()
    assert visit.context.cookies() == []
    assert other.evaluate("localStorage.length") == 0


def test_without_a_key_the_file_fails_and_can_be_tried_again(visit: Page, guarded: str) -> None:
    visit.goto(f"{guarded}/")
    choose(visit)
    visit.get_by_role("button", name="Not now").click()
    expect(visit.locator(".recording-state")).to_contain_text("API key needed")
    visit.get_by_role("button", name="Try again: tone.wav").click()
    give(visit, KEY)
    expect(visit.locator(".cards .card")).to_have_count(3)


def test_links_and_the_api_page_stay_under_the_path(visit: Page, guarded: str) -> None:
    visit.goto(f"{guarded}/")
    visit.get_by_role("link", name="API").click()
    expect(visit.locator("#operations-classify-classify_all")).to_be_visible()
    expect(visit.locator(".servers")).to_contain_text("/our/music")
    visit.goto(f"{guarded}/models")
    give(visit, KEY)
    visit.locator("#models h2 a").first.click()
    expect(visit.locator("#card")).to_contain_text("How good it is")
    visit.get_by_role("link", name="What is this music?").click()
    assert visit.url == f"{guarded}/"
    expect(visit.locator("#intake-title")).to_be_visible()
