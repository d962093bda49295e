"""The record button, with a microphone that hears a file of known chords."""

from playwright.sync_api import Page, expect

from tests.service.pages.conftest import REMEMBER_MICROPHONE, UNPLUG, count_wake_locks

LONG_ENOUGH_MS = 6500


def test_what_the_microphone_hears_is_answered(listening: Page) -> None:
    button = listening.locator("#record")
    ways = listening.locator(".ways")
    height = ways.evaluate("ways => ways.offsetHeight")
    count_wake_locks(listening)
    button.click()
    expect(listening.locator("#record-label")).to_contain_text("Stop, 0:0")
    assert ways.evaluate("ways => ways.offsetHeight") == height  # nothing below it jumps
    expect(listening.locator("#record-level")).to_be_visible()
    listening.wait_for_timeout(LONG_ENOUGH_MS)
    assert listening.locator("#record-level").evaluate("meter => meter.value") > 0.2
    assert listening.evaluate("awake") == 1  # a phone that locks itself turns the microphone off
    button.click()

    expect(listening.locator("#record-label")).to_have_text("Record")
    assert listening.evaluate("awake") == 0
    expect(listening.locator(".recording-head h2")).to_contain_text("Recording")
    expect(listening.locator(".cards .card")).to_have_count(3, timeout=20_000)
    chords = [c for c in listening.locator(".chord").all_text_contents() if c != "no chord"]
    assert chords[:3] == ["C", "G", "Am"]


def test_a_microphone_that_is_unplugged_ends_the_recording_with_what_it_heard(
    listening: Page,
) -> None:
    listening.add_init_script(REMEMBER_MICROPHONE)
    listening.reload()
    listening.locator("#record").click()
    expect(listening.locator("#record-label")).to_contain_text("Stop, 0:0")
    listening.evaluate(UNPLUG)
    expect(listening.locator("#record-status")).to_contain_text("The microphone is gone")
    expect(listening.locator("#record-label")).to_have_text("Record")
    expect(listening.locator(".recording-head h2")).to_contain_text("Recording")


def test_a_refused_microphone_is_told_with_what_to_do(page: Page) -> None:
    page.locator("#record").click()  # nobody allows it, in a browser without a window
    expect(page.locator("#record-status")).to_contain_text("microphone")
    expect(page.locator("#record-status")).to_contain_text("then try again")
    expect(page.locator("#record-label")).to_have_text("Record")
