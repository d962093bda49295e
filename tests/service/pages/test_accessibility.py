"""The pages are for everyone: whatever the screen, the eyes, the hands and the network."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Page, expect

from tests.audio import encode, tone
from tests.service.pages.conftest import open_example, upload, watched

AXE = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS = (390, 768, 1440)
Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
# All in the light; in the dark those that its colours can break.
RULES: dict[Scheme, tuple[str, ...]] = {
    "light": (),
    "dark": ("color-contrast", "link-in-text-block"),
}
Faults = Callable[..., list[str]]


@pytest.fixture(scope="module")
def faults() -> Faults:
    """Asks axe for the faults of a page, best practices included, or by one rule alone."""
    if not AXE.exists():
        missing = "axe-core is not installed: npm ci --prefix tests/service/pages"
        if os.environ.get("BROWSER_TESTS") == "required":
            pytest.fail(missing)
        pytest.skip(missing)
    source = AXE.read_text("utf-8")

    def find(page: Page, *rules: str) -> list[str]:
        page.evaluate(source)
        found: list[dict[str, Any]] = page.evaluate(
            "(rules) => axe.run(rules.length ? { runOnly: rules } : {}).then((r) => r.violations)",
            rules,
        )
        return [f"{fault['id']}: {node['html']}" for fault in found for node in fault["nodes"]]

    return find


@pytest.mark.parametrize("path", ["", "models", "models/genre", "models/emotion"])
def test_axe_finds_nothing_before_there_are_results(
    tab: Page, address: str, faults: Faults, path: str
) -> None:
    with watched(tab, address):
        tab.goto(f"{address}/{path}")
        expect(tab.locator("[aria-busy]")).to_have_count(0)

        assert in_both_schemes(tab, faults) == []


def in_both_schemes(page: Page, faults: Faults) -> list[str]:
    """Return what axe finds in the light, and among the colours in the dark."""
    found = []
    for scheme in SCHEMES:
        # Without motion, colours change at once.
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        found += [f"{scheme}: {fault}" for fault in faults(page, *RULES[scheme])]
    return found


def test_axe_finds_nothing_with_results(page: Page, faults: Faults) -> None:
    quiet = encode(tone(440, 0.5, amplitude=0.005))
    page.locator("#file").set_input_files(
        [upload("notes.txt", b"not audio", "text/plain"), upload("quiet.wav", quiet)]
    )
    expect(page.locator(".warnings")).to_be_visible()
    assert in_both_schemes(page, faults) == []
    page.locator(".row-open", has_text="notes.txt").click()
    expect(page.locator(".recording-state .problem")).to_be_visible()
    assert in_both_schemes(page, faults) == []

    open_example(page)
    page.locator(".chord").nth(1).click()
    page.get_by_role("button", name="Capo up").click()
    page.get_by_role("button", name="Show less, larger").click()
    assert in_both_schemes(page, faults) == []


def test_live_listening_has_no_faults_and_fits_the_screen(listening: Page, faults: Faults) -> None:
    def check() -> None:
        assert in_both_schemes(listening, faults) == []
        for width in WIDTHS:
            listening.set_viewport_size({"width": width, "height": 900})
            assert listening.evaluate("document.documentElement.scrollWidth") == width

    listening.get_by_role("button", name="Listen live").click()
    expect(listening.get_by_role("list", name="Chords that passed")).not_to_be_empty()
    check()
    listening.get_by_role("button", name="Stop").click()
    expect(listening.locator("#live-panel .card")).to_have_count(3)
    check()


def test_nothing_is_wider_than_the_screen(page: Page, address: str) -> None:
    open_example(page)
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    for path in ("", "models", "models/genre", "docs"):
        page.goto(f"{address}/{path}")
        page.wait_for_load_state("networkidle")
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") == width, path


def test_dark_is_dark_and_light_is_light(page: Page) -> None:
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
        parts = [int(part) for part in colour.removeprefix("rgb(").rstrip(")").split(",")]
        assert (max(parts) < 64) == (scheme == "dark")
        assert (min(parts) > 192) == (scheme == "light")


def test_the_keyboard_alone_does_everything(page: Page) -> None:
    def reach(name: str, key: str = "Tab") -> None:
        for _ in range(60):
            page.keyboard.press(key)
            if page.evaluate(FOCUSED) == name:
                return
        pytest.fail(f"the tab key never led to {name!r}")

    reach("Choose files")
    reach("Try an example")
    page.keyboard.press("Enter")
    page.locator(".chord").first.wait_for()
    page.locator(".spectrogram").wait_for()

    reach("Play")
    page.keyboard.press("Space")
    expect(page.locator(".play")).to_have_attribute("aria-label", "Pause")
    page.keyboard.press("Space")
    expect(page.locator(".play")).to_have_attribute("aria-label", "Play")
    reach("Position")
    page.keyboard.press("ArrowRight")
    assert page.locator(".transport input").evaluate("bar => Number(bar.value)") > 0
    page.keyboard.press("Space")
    expect(page.locator(".play")).to_have_attribute("aria-label", "Pause")

    reach("Timeline")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    assert page.evaluate(FOCUSED).startswith("G, 0:0")
    page.keyboard.press("Enter")
    expect(page.locator(".loop-chip")).to_have_text("Looping G ✕")
    reach("Transpose up")
    page.keyboard.press("Enter")
    expect(page.locator(".chord").first).to_have_text("C#")
    reach("Answer as JSON")
    with page.expect_download():
        page.keyboard.press("Enter")
    reach("Remove: Example guitar.wav", "Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#recording")).to_be_hidden()
    assert page.evaluate(FOCUSED) == "Choose files"


FOCUSED = """(() => {
    const on = document.activeElement;
    const label = on.labels?.[0]?.textContent ?? on.textContent;
    return (on.getAttribute("aria-label") ?? label).trim();
})()"""


def test_nothing_moves_for_those_who_asked_for_it(page: Page) -> None:
    page.emulate_media(reduced_motion="reduce")
    open_example(page)
    moving = page.evaluate(
        """[...document.querySelectorAll("*")].filter((element) => {
            const { transitionDuration, animationName } = getComputedStyle(element);
            return transitionDuration !== "0s" || animationName !== "none";
        }).length"""
    )
    assert moving == 0


def test_an_answer_is_announced_to_those_who_do_not_see_it(untouched: Page) -> None:
    told = untouched.get_by_role("status").filter(has_text="Example guitar.wav: Genre")
    expect(told).to_have_count(1)
    expect(told).to_contain_text("Chords")
    expect(told).to_contain_text("Mood")
    pictures = [p.get_attribute("aria-label") or "" for p in untouched.locator("canvas").all()]
    assert any(label.startswith("Genre over time: ") for label in pictures)
    assert any("give or take" in label for label in pictures)
    assert all(pictures)


def test_the_outline_of_what_has_the_focus_is_not_cut_off_at_the_side(example: Page) -> None:
    room = example.evaluate(
        """() => {
            const [side, first] = [".side", ".way"].map((name) => document.querySelector(name));
            const [outer, inner] = [side, first].map((element) => element.getBoundingClientRect());
            return Math.min(inner.top - outer.top, inner.left - outer.left);
        }"""
    )
    example.locator("#file").focus()
    outline = example.locator(".way").first.evaluate(
        """way => {
            const style = getComputedStyle(way);
            return parseFloat(style.outlineWidth) + parseFloat(style.outlineOffset);
        }"""
    )
    assert outline > 0
    assert room >= outline


def test_the_head_of_the_page_takes_one_line_on_a_phone(page: Page) -> None:
    head = page.locator(".top")
    on_a_desk = head.evaluate("head => head.offsetHeight")
    page.set_viewport_size({"width": 360, "height": 740})
    assert head.evaluate("head => head.offsetHeight") == on_a_desk
