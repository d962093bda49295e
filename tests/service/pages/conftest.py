"""A real browser on a real service, shared by all tests of the pages.

It is Debian's Chromium, without its windows if that is installed: a page costs it half the
processor time. Playwright drives it. Where it is missing, these tests are skipped, unless
``BROWSER_TESTS=required``, as in ``.ci/run``, which sets it up with ``.ci/browser``.
"""

import base64
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserType,
    ConsoleMessage,
    Error,
    FilePayload,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.server import ROOT, server

DESKTOP: ViewportSize = {"width": 1440, "height": 900}
# Refusals that a test asks for, which the browser writes into its console whatever the page does.
ASKED_FOR = re.compile("Failed to load resource|WebSocket connection to .* failed")

# Remembers the microphone that the page opens, so that a test can unplug it.
REMEMBER_MICROPHONE = """
    const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
    navigator.mediaDevices.getUserMedia = async (wishes) => (window.opened = await open(wishes));
"""
UNPLUG = "opened.getTracks()[0].stop(), opened.getTracks()[0].dispatchEvent(new Event('ended'))"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """The browser's program."""
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        missing = "Chromium is not installed; on Debian: apt install chromium-headless-shell"
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


# Of this package only: while Playwright runs, no other test could start an event loop.
@pytest.fixture(scope="package")
def chromium(chromium_path: str) -> Iterator[BrowserType]:  # noqa: ARG001  # skips without one
    with sync_playwright() as playwright:
        yield playwright.chromium


@pytest.fixture(scope="package")
def browser(chromium: BrowserType, chromium_path: str) -> Iterator[Browser]:
    expect.set_options(timeout=30_000)  # on a machine that others use too
    browser = chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
    yield browser
    browser.close()


@pytest.fixture(scope="package")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a service with the shipped models listens."""
    log = tmp_path_factory.mktemp("pages") / "server.log"
    with server(ROOT / "models", log) as (_, client):
        yield str(client.base_url).rstrip("/")


@pytest.fixture(scope="package")
def tab(browser: Browser) -> Iterator[Page]:
    """One tab for all tests: to open another takes longer than most of them."""
    context = browser.new_context(accept_downloads=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Page, address: str) -> Iterator[Page]:
    """The start page of a fresh visit."""
    tab.set_viewport_size(DESKTOP)
    tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    with watched(tab, address):
        tab.goto(f"{address}/")
        yield tab
    tab.unroute_all()


@pytest.fixture(scope="package")
def modules(tab: Page, address: str) -> Page:
    """A page of the service, whichever, from which modules are imported."""
    tab.goto(f"{address}/")
    return tab


@pytest.fixture(scope="package")
def hearing_browser(
    chromium: BrowserType,
    chromium_path: str,
    modules: Page,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Browser]:
    """A browser whose microphone hears the example, once each time that it is opened."""
    wav = tmp_path_factory.mktemp("microphone") / "heard.wav"
    wav.write_bytes(example_file(modules))
    browser = chromium.launch(
        executable_path=chromium_path,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={wav}%noloop",
        ],
    )
    yield browser
    browser.close()


@contextmanager
def hearing(browser: Browser, address: str) -> Iterator[Page]:
    """Visit a service for the first time, where the microphone is allowed."""
    with (
        browser.new_context(permissions=["microphone"]) as context,
        watched(context.new_page(), address) as page,
    ):
        page.goto(f"{address}/")
        yield page


@pytest.fixture
def listening(hearing_browser: Browser, address: str) -> Iterator[Page]:
    """The start page in a browser whose microphone hears the example."""
    with hearing(hearing_browser, address) as page:
        yield page


class watched:  # noqa: N801  # reads as a word in ``with watched(page, address)``
    """Fail a test whose page complained in its console, or asked another host for something."""

    def __init__(self, page: Page, address: str) -> None:
        self._page = page
        self._host = urlsplit(address).netloc
        self._complaints: list[str] = []

    def __enter__(self) -> Page:
        self._page.on("console", self._on_console)
        self._page.on("pageerror", self._on_error)
        self._page.on("request", self._on_request)
        return self._page

    def __exit__(self, *_: object) -> None:
        self._page.remove_listener("console", self._on_console)
        self._page.remove_listener("pageerror", self._on_error)
        self._page.remove_listener("request", self._on_request)
        assert self._complaints == []

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not ASKED_FOR.search(message.text):
            self._complaints.append(f"{message.type}: {message.text}")

    def _on_error(self, error: Error) -> None:
        self._complaints.append(str(error))

    def _on_request(self, request: Request) -> None:
        url = request.url
        parts = urlsplit(url)
        if parts.scheme not in {"blob", "data"} and parts.netloc != self._host:
            self._complaints.append(f"a request to {url}")


@pytest.fixture
def example(page: Page) -> Page:
    """The start page with the answers about its example: C, G, Am and F, two seconds each."""
    open_example(page)
    return page


@pytest.fixture(scope="package")
def untouched(tab: Page, address: str) -> Iterator[Page]:
    """The same in a tab of its own, for tests that look and leave it as it is."""
    page = tab.context.new_page()
    with watched(page, address):
        page.goto(f"{address}/")
        open_example(page)
        yield page
    page.close()


def open_example(page: Page) -> None:
    page.get_by_role("button", name="Try an example").click()
    page.locator(".chord").first.wait_for()
    page.locator(".spectrogram").wait_for()


def module(page: Page, name: str, expression: str, argument: object = None) -> Any:
    """Evaluate an expression on a module of the pages, called ``m``, and an ``argument``."""
    return page.evaluate(
        f"async argument => {{ const m = await import('/static/{name}'); return {expression}; }}",
        argument,
    )


def count_wake_locks(page: Page) -> None:
    """Count in the page's ``awake`` how often it keeps the screen on at this moment."""
    page.evaluate(
        """() => {
            window.awake = 0;
            const request = async () => { awake += 1; return { release: () => (awake -= 1) }; };
            Object.defineProperty(navigator, "wakeLock", { value: { request } });
        }"""
    )


def example_file(page: Page) -> bytes:
    """Return the recording that the page makes up: C, G, Am and F, twice."""
    encoded = module(
        page,
        "sound/example.js",
        """await new Promise((resolve) => {
            const reader = new FileReader();
            reader.onload = () => resolve(reader.result.split(",")[1]);
            reader.readAsDataURL(m.exampleFile());
        })""",
    )
    return base64.b64decode(encoded)


def upload(name: str, content: bytes, media_type: str = "audio/wav") -> FilePayload:
    """Return a file as an input of a page takes it."""
    return {"name": name, "mimeType": media_type, "buffer": content}
