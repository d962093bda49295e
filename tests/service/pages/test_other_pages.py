"""The pages of the models and of the API, in a browser."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from service.inference.card import Card
from tests.audio import encode, tone
from tests.server import ROOT
from tests.service.pages.conftest import upload, watched

SERVED = ("genre", "chord", "emotion")


@pytest.fixture
def other(tab: Page, address: str) -> Iterator[Page]:
    """A tab that complains like that of the start page, before it goes anywhere."""
    tab.emulate_media(color_scheme="light", reduced_motion="no-preference")
    with watched(tab, address):
        yield tab


@pytest.mark.parametrize("task", SERVED)
def test_a_card_is_a_page_that_tells_what_the_card_holds(
    other: Page, address: str, task: str
) -> None:
    card = Card.model_validate_json((ROOT / "models" / task / "card.json").read_bytes())
    other.goto(f"{address}/models/{task}")

    expect(other.locator("#card")).to_contain_text(card.summary)
    text = other.inner_text("#card")
    for use in card.not_for:
        assert use in text
    for data_set in card.training.data_sets:
        assert data_set in text
    assert card.training.command in text
    evaluation = next(e for e in card.evaluation if e.data_set == "all")
    accuracy = evaluation.accuracy
    assert re.search(rf"{accuracy.value:.2f}\s+{accuracy.low:.2f} to {accuracy.high:.2f}", text)
    recalls = other.get_by_role("list", name="Recall per label").get_by_role("listitem")
    expect(recalls).to_have_count(len(evaluation.per_class_recall))
    for rating in card.ratings:
        assert rating.meaning in text


def test_the_figures_of_another_data_set_can_be_chosen(other: Page, address: str) -> None:
    card = Card.model_validate_json((ROOT / "models/chord/card.json").read_bytes())
    other.goto(f"{address}/models/chord")
    last = card.evaluation[-1]
    other.get_by_label("Checked on").select_option(f"{last.data_set} ({last.n:,} recordings)")
    expect(other.get_by_role("list", name="Figures")).to_contain_text(
        f"{last.accuracy.value:.2f} {last.accuracy.low:.2f} to {last.accuracy.high:.2f}"
    )


def test_recalls_are_bars_as_long_as_they_are_high(other: Page, address: str) -> None:
    other.goto(f"{address}/models/genre")
    rows = other.get_by_role("list", name="Recall per label").get_by_role("listitem")
    expect(rows.first).to_be_visible()
    for row in rows.all():
        told = float(row.locator(".bar-value").inner_text().split()[0])
        share = row.evaluate(
            "row => row.querySelector('.bar-fill').offsetWidth"
            " / row.querySelector('.interval-track').offsetWidth"
        )
        assert share == pytest.approx(told, abs=0.03)


def test_all_models_are_listed_and_lead_to_their_cards(other: Page, address: str) -> None:
    other.goto(f"{address}/models")
    links = other.locator("#models h2 a")
    expect(links).to_have_count(len(SERVED))
    links.filter(has_text="Mood").click()
    expect(other.locator("#title")).to_contain_text("Mood")
    assert other.url == f"{address}/models/emotion"


def test_who_goes_astray_is_led_back(other: Page, address: str) -> None:
    other.goto(f"{address}/deep/below/nothing")
    expect(other.get_by_role("heading", name="Not found")).to_be_visible()
    expect(other.locator("main")).to_contain_text("/deep/below/nothing")
    other.get_by_role("link", name="To the start page").click()
    expect(other.get_by_role("button", name="Try an example")).to_be_visible()
    assert other.url == f"{address}/"


def test_the_api_page_follows_the_colour_scheme(other: Page, address: str) -> None:
    other.emulate_media(color_scheme="dark", reduced_motion="reduce")
    other.goto(f"{address}/docs")
    expect(other.locator("#operations-classify-classify_all")).to_be_visible()
    assert brightness_of_text(other) > 128
    colour = other.evaluate("getComputedStyle(document.documentElement).backgroundColor")
    assert brightness(colour) < 64

    other.emulate_media(color_scheme="light")
    expect(other.locator("html")).not_to_have_class("dark-mode")
    assert brightness_of_text(other) < 128


def brightness_of_text(page: Page) -> float:
    return brightness(
        page.evaluate("getComputedStyle(document.querySelector('.info .title')).color")
    )


def brightness(colour: str) -> float:
    parts = [float(part) for part in re.findall(r"[\d.]+", colour)]
    return sum(parts[:3]) / 3


def test_requests_can_be_sent_from_the_api_page(other: Page, address: str) -> None:
    other.goto(f"{address}/docs")
    live = other.locator("[id$=-live]")
    live.locator(".opblock-summary-control").click()
    live.get_by_role("button", name="Try it out").click()
    live.get_by_role("button", name="Execute").click()
    expect(live.locator(".live-responses-table .microlight").first).to_contain_text('"live"')


def test_a_file_sent_from_the_api_page_is_heard_to_its_end(other: Page, address: str) -> None:
    other.goto(f"{address}/docs")
    chord = other.locator("[id$=-classify_chord]")
    chord.locator(".opblock-summary-control").click()
    chord.get_by_role("button", name="Try it out").click()
    chord.locator("input[type=file]").set_input_files([upload("song.wav", encode(tone(440, 3.0)))])
    chord.get_by_role("button", name="Execute").click()
    answer = chord.locator(".live-responses-table .microlight").first
    expect(answer).to_contain_text('"duration_s": 3,')
    expect(answer).to_contain_text('"Bm6"')  # every label
