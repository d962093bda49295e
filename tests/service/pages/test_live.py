"""Live listening: the microphone hears a file of known chords, and the page names them."""

import hashlib
import re
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, WebSocketRoute, expect

from tests.nursery import Forked
from tests.server import TIMEOUT_S, server
from tests.service.pages.conftest import REMEMBER_MICROPHONE, UNPLUG, hearing, module

KEY = "a+key/of= this test, + more"


Visit = Callable[..., AbstractContextManager[tuple[Forked, Page]]]


@pytest.fixture
def visit(hearing_browser: Browser, models_dir: Path, tmp_path: Path) -> Visit:
    """Opens the page of a service of its own in a browser whose microphone hears the example."""

    @contextmanager
    def open_page(**settings: object) -> Iterator[tuple[Forked, Page]]:
        with server(models_dir, tmp_path / "server.log", **settings) as (process, client):
            address = str(client.base_url).rstrip("/") + str(settings.get("root_path", ""))
            with hearing(hearing_browser, address) as page:
                yield process, page

    return open_page


def start(page: Page) -> None:
    page.get_by_role("button", name="Listen live").click()


def stop(page: Page) -> None:
    page.get_by_role("button", name="Stop").click()


def listen_elsewhere(page: Page) -> None:
    """Open a stream beside that of the page, as another of its tabs would."""
    page.evaluate("new Promise((open) => (window.first = new WebSocket('/stream')).onopen = open)")


def heading(page: Page) -> Locator:
    return page.locator("#live-title")


def test_chords_are_named_while_they_sound_and_stop_gives_the_last_answer(
    listening: Page,
) -> None:
    start(listening)
    expect(heading(listening)).to_have_text("Listening live")
    named = listening.locator("#live-panel .now-chord")
    played = ("C", "G", "Am")
    for chord in played:
        expect(named).to_have_text(chord, timeout=6_000)
    passed = listening.get_by_role("list", name="Chords that passed").get_by_role("listitem")
    # Where the browser cuts the sound is chance, and with it whether another is named between.
    newest_first = dict.fromkeys(name for name in passed.all_text_contents() if name in played)
    assert list(newest_first)[:2] == ["G", "C"]
    level = listening.get_by_role("meter", name="Level of the microphone")
    assert level.evaluate("meter => meter.value") > 0.2
    expect(listening.locator(".now-others")).to_contain_text(re.compile("Genre.* %.*Mood.* %"))
    expect(listening.locator(".live-so-far div")).to_have_count(3)

    stop(listening)
    expect(heading(listening)).to_have_text("What was heard")
    expect(listening.locator("#live-panel .card")).to_have_count(3)
    bars = listening.locator("#live-panel .of-chord .bar-label").all_text_contents()
    assert {"C", "G", "Am"} <= set(bars)
    expect(level).to_be_hidden()
    expect(listening.locator("#announcement")).to_contain_text("Stopped. Now")


def test_the_keyboard_starts_stops_starts_again_and_closes(listening: Page) -> None:
    page = listening
    page.get_by_role("button", name="Listen live").focus()
    page.keyboard.press("Enter")
    expect(heading(page)).to_have_text("Listening live")
    expect(page.get_by_role("button", name="Stop")).to_be_focused()
    expect(page.locator(".live-so-far div")).to_have_count(3)
    page.keyboard.press("Enter")
    again = page.get_by_role("button", name="Listen again")
    expect(again).to_be_focused()
    page.keyboard.press("Space")
    expect(heading(page)).to_have_text("Listening live")
    expect(page.locator("#live-panel .card")).to_have_count(0)
    page.keyboard.press("Space")
    expect(again).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#live-panel")).to_be_hidden()
    expect(page.get_by_role("button", name="Listen live")).to_be_focused()
    expect(page.locator("#intake-title")).to_be_visible()


def test_without_a_microphone_it_is_told_what_to_do(page: Page) -> None:
    start(page)  # nobody allows it, in a browser without a window
    problem = page.locator("#live-panel .problem")
    expect(problem).to_contain_text("No microphone")
    expect(problem).to_contain_text("then try again")
    expect(page.locator("#announcement")).to_contain_text("No microphone")
    expect(page.get_by_role("button", name="Listen again")).to_be_focused()


def test_a_microphone_that_is_unplugged_is_told_beside_what_was_heard(listening: Page) -> None:
    listening.add_init_script(REMEMBER_MICROPHONE)
    listening.reload()
    start(listening)
    expect(listening.locator(".live-so-far div")).to_have_count(3)
    listening.evaluate(UNPLUG)
    expect(listening.locator("#live-panel .problem")).to_contain_text("The microphone is gone")
    expect(listening.locator("#live-panel .card")).to_have_count(3)


@pytest.mark.parametrize(
    ("pause_s", "told"), [(6, "The microphone stopped"), (1, "The service ended the stream")]
)
def test_a_microphone_that_sends_nothing_more_is_told_in_words_for_people(
    modules: Page, pause_s: int, told: str
) -> None:
    title = module(
        modules,
        "live/conversation.js",
        """await (async () => {
            const socket = { readyState: WebSocket.OPEN, bufferedAmount: 0, send() {}, close() {} };
            const conversation = new m.Conversation(socket, 44_100, () => {});
            conversation.send(new Float32Array(1));
            const now = Date.now;
            Date.now = () => now() + 1e3 * argument;
            socket.onclose({ code: 1008, reason: "No message for 10 s; send silence as zeros." });
            Date.now = now;
            return conversation.over.catch((problem) => problem.title);
        })()""",
        pause_s,
    )
    assert title == told


def test_samples_are_sent_in_the_encoding_that_is_said(modules: Page) -> None:
    start, samples = module(
        modules,
        "live/conversation.js",
        """(() => {
            const sent = [];
            const send = (data) => sent.push(data);
            const socket = { readyState: WebSocket.OPEN, bufferedAmount: 0, send };
            new m.Conversation(socket, 44_100, () => {}).send(new Float32Array([0, 0.5, 1, -2]));
            return [JSON.parse(sent[0]), [...new Int16Array(sent[1].buffer)]];
        })()""",
    )
    assert start == {"sample_rate_hz": 44_100, "channels": 1, "encoding": "pcm_s16le"}
    assert samples == [0, 16_384, 32_767, -32_767]


def test_a_busy_service_is_told_in_its_own_words_and_so_is_a_stream_that_is_too_long(
    visit: Visit,
) -> None:
    with visit(max_streams=1, max_stream_s=2) as (_, page):
        listen_elsewhere(page)
        start(page)
        problem = page.locator("#live-panel .problem")
        expect(problem).to_contain_text("All 1 streams are taken")
        again = page.get_by_role("button", name="Listen again")
        expect(again).to_be_focused()

        page.evaluate("first.close()")
        again.click()
        expect(problem).to_contain_text("A stream lasts 2 s at most")
        expect(page.locator("#live-panel .card")).to_have_count(3)


def test_who_listens_already_is_told_to_end_that_first_and_later_that_the_service_vanished(
    visit: Visit,
) -> None:
    with visit(max_streams_per_client=1) as (process, page):
        listen_elsewhere(page)
        start(page)
        problem = page.locator("#live-panel .problem")
        expect(problem).to_contain_text("1 streams from this address are open. End one first.")
        page.evaluate("first.close()")
        page.get_by_role("button", name="Listen again").click()
        expect(page.locator(".live-so-far div")).to_have_count(3)
        expect(problem).to_have_count(0)

        process.kill()
        expect(problem).to_contain_text("The stream broke off")
        page.get_by_role("button", name="Listen again").click()
        expect(problem).to_contain_text("cannot be reached")


def test_it_works_under_a_path_and_with_a_key_of_any_characters(
    visit: Visit, tmp_path: Path
) -> None:
    keys = tmp_path / "keys.txt"
    keys.write_text(hashlib.sha256(KEY.encode()).hexdigest())
    with visit(api_keys_file=keys, root_path="/our/music") as (_, page):
        start(page)
        dialogue = page.get_by_role("dialog", name="API key")
        dialogue.get_by_label("Key").fill(KEY)
        dialogue.get_by_role("button", name="Use this key").click()
        expect(page.locator(".live-so-far div")).to_have_count(3)
        stop(page)
        expect(page.locator("#live-panel .card")).to_have_count(3)


def test_a_proxy_that_passes_no_websockets_on_is_told(listening: Page) -> None:
    listening.add_init_script(
        # As a browser does when the answer is no upgrade.
        """window.WebSocket = class extends EventTarget {
            constructor() { super(); setTimeout(() => this.onclose({ code: 1006 })); }
        };"""
    )
    listening.reload()
    start(listening)
    problem = listening.locator("#live-panel .problem")
    expect(problem).to_contain_text("a proxy before it may not pass WebSockets on")


def test_a_restart_is_told_and_so_is_a_last_answer_that_never_comes(listening: Page) -> None:
    opened: list[WebSocketRoute] = []
    told: list[str | bytes] = []

    def take(route: WebSocketRoute) -> None:  # all that comes, and say nothing
        opened.append(route)
        route.on_message(lambda message: told.append(message))  # noqa: PLW0108  # it is marked

    listening.route_web_socket(re.compile("/stream$"), take)
    start(listening)
    expect(heading(listening)).to_have_text("Listening live")
    opened[0].close(code=1012, reason="The service stops; connect again.")
    problem = listening.locator("#live-panel .problem")
    expect(problem).to_contain_text("The service is being restarted")

    listening.get_by_role("button", name="Listen again").click()
    expect(heading(listening)).to_have_text("Listening live")
    listening.clock.install()
    stop(listening)
    deadline = time.monotonic() + TIMEOUT_S
    while '{"end":true}' not in told:
        assert time.monotonic() < deadline, told
        listening.wait_for_timeout(20)
    listening.clock.fast_forward("00:16")  # a second more than it waits
    expect(problem).to_contain_text("The last answer did not come")
