"""The record button, with a microphone that hears a file of known chords."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserType, Page, expect

from tests.service.pages.conftest import example_file, watched

LONG_ENOUGH_MS = 6500


@pytest.fixture
def listening(
    chromium: BrowserType, chromium_path: str, modules: Page, address: str, tmp_path: Path
) -> Iterator[Page]:
    """The start page in a browser whose microphone hears the example."""
    heard = tmp_path / "heard.wav"
    heard.write_bytes(example_file(modules))
    browser = chromium.launch(
        executable_path=chromium_path,
        args=[
            "--no-sandbox",
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-audio-capture={heard}%noloop",
        ],
    )
    context = browser.new_context(permissions=["microphone"])
    with watched(context.new_page(), address) as page:
        page.goto(f"{address}/")
        yield page
    browser.close()


def test_what_the_microphone_hears_is_answered(listening: Page) -> None:
    button = listening.locator("#record")
    button.click()
    expect(listening.locator("#record-label")).to_contain_text("Stop, 0:0")
    expect(listening.locator("#record-level")).to_be_visible()
    listening.wait_for_timeout(LONG_ENOUGH_MS)
    assert listening.locator("#record-level").evaluate("meter => meter.value") > 0.2
    button.click()

    expect(listening.locator("#record-label")).to_have_text("Record")
    expect(listening.locator(".recording-head h2")).to_contain_text("Recording")
    expect(listening.locator(".cards .card")).to_have_count(3, timeout=20_000)
    chords = [c for c in listening.locator(".chord").all_text_contents() if c != "no chord"]
    assert chords[:3] == ["C", "G", "Am"]


def test_a_refused_microphone_is_told_with_what_to_do(page: Page) -> None:
    page.locator("#record").click()  # nobody allows it, in a browser without a window
    expect(page.locator("#record-status")).to_contain_text("microphone")
    expect(page.locator("#record-status")).to_contain_text("then try again")
    expect(page.locator("#record-label")).to_have_text("Record")
