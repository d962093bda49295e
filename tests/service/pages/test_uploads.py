"""How recordings come in, are sent and become rows of the history."""

import base64
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, FilePayload, Page, Request, Route, expect

from tests.audio import Waveform, encode, noise, tone
from tests.service.pages.conftest import example_file, upload

CLASSIFY = "**/classify?*"
PROXY_ERROR = "<html><body><h1>413 Request Entity Too Large</h1><hr>nginx</body></html>"


def recording(name: str, duration_s: float = 2.0) -> FilePayload:
    return upload(name, encode(tone(440, duration_s)))


def choose(page: Page, *files: FilePayload) -> None:
    page.locator("#file").set_input_files(list(files))


def refuse(page: Page, kind: str, times: int) -> list[Request]:
    """Have the first requests refused with a problem; return all, as they come."""
    asked: list[Request] = []
    problem = {"type": f"/problems/{kind}", "title": "Too much", "detail": "Send less."}

    def answer(route: Route) -> None:
        asked.append(route.request)
        if len(asked) > times:
            route.continue_()
        else:
            route.fulfill(status=413, json=problem)

    page.route(CLASSIFY, answer)
    return asked


def row(page: Page, name: str) -> str:
    return page.locator("#history li", has_text=name).inner_text()


def test_a_chosen_file_becomes_a_row_with_its_length_and_three_answers(page: Page) -> None:
    choose(page, upload("song.wav", example_file(page)))

    expect(page.locator(".cards .card")).to_have_count(3)
    item = page.locator("#history li")
    expect(item).to_have_count(1)
    expect(item.locator(".row-name")).to_have_text("song.wav")
    expect(item.locator(".row-length")).to_have_text("0:17")
    expect(item.locator(".chip")).to_have_count(3)
    expect(page.locator("#announcement")).to_contain_text("song.wav: Genre")
    expect(page.get_by_role("heading", name="song.wav")).to_be_visible()


def test_several_files_become_rows_and_the_newest_is_open(page: Page) -> None:
    choose(page, recording("first.wav"), recording("second.wav"), recording("third.wav"))

    expect(page.locator("#history li[data-state=done]")).to_have_count(3)
    names = page.locator("#history .row-name").all_inner_texts()
    assert names == ["third.wav", "second.wav", "first.wav"]
    expect(page.locator("[aria-current]")).to_contain_text("third.wav")
    page.locator(".row-open", has_text="first.wav").click()
    expect(page.get_by_role("heading", name="first.wav")).to_be_visible()
    expect(page.locator("[aria-current]")).to_have_count(1)


def test_files_dropped_anywhere_are_taken(page: Page) -> None:
    data = base64.b64encode(encode(tone(440, 2.0))).decode()
    transfer = page.evaluate_handle(
        """data => {
            const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
            const transfer = new DataTransfer();
            transfer.items.add(new File([bytes], "dropped.wav", { type: "audio/wav" }));
            return transfer;
        }""",
        data,
    )
    page.dispatch_event("footer, header", "dragenter", {"dataTransfer": transfer})
    expect(page.locator(".drop-shade")).to_be_visible()
    page.dispatch_event("header", "drop", {"dataTransfer": transfer})

    expect(page.locator(".drop-shade")).to_be_hidden()
    expect(page.locator("#history .chip")).not_to_have_count(0)
    assert row(page, "dropped.wav").startswith("dropped.wav")


def test_a_folder_that_is_dropped_is_not_told_as_a_service_out_of_reach(
    page: Page, tmp_path: Path
) -> None:
    devtools = page.context.new_cdp_session(page)
    data = {"items": [], "files": [str(tmp_path)], "dragOperationsMask": 1}
    for step in ("dragEnter", "dragOver", "drop"):
        drag = {"type": step, "x": 200, "y": 200, "data": data}
        devtools.send("Input.dispatchDragEvent", drag)
    devtools.detach()

    expect(page.locator(".recording-state")).to_contain_text("It is a folder")


def test_a_late_answer_to_an_older_file_does_not_replace_a_newer_one(page: Page) -> None:
    held: list[Route] = []

    def hold_the_first(route: Route) -> None:
        if held:
            route.continue_()
        else:
            held.append(route)

    page.route(CLASSIFY, hold_the_first)
    choose(page, recording("older.wav"))
    expect(page.locator("#history li")).to_have_attribute("data-state", "sending")
    choose(page, recording("newer.wav", duration_s=5.0))
    expect(page.locator(".recording-head .facts")).to_contain_text("0:05")
    held[0].continue_()

    expect(page.locator("#history li[data-state=done]")).to_have_count(2)
    expect(page.locator(".recording-head h2")).to_have_text("newer.wav")
    expect(page.locator(".recording-head .facts")).to_contain_text("0:05")
    assert "0:02" in row(page, "older.wav")


def test_a_file_can_be_cancelled_tried_again_and_removed(page: Page) -> None:
    page.route(CLASSIFY, lambda _: None)  # never answered
    choose(page, recording("slow.wav"))
    expect(page.locator("#history progress")).to_be_visible()
    page.get_by_role("button", name="Cancel: slow.wav").click()
    expect(page.locator("#history li")).to_have_attribute("data-state", "cancelled")
    expect(page.locator(".recording-state")).to_contain_text("Cancelled")

    page.unroute_all()
    page.get_by_role("button", name="Try again: slow.wav").click()
    expect(page.locator(".cards .card")).to_have_count(3)

    page.get_by_role("button", name="Remove: slow.wav").click()
    expect(page.locator("#history-place")).to_be_hidden()
    expect(page.locator("#recording")).to_be_hidden()
    expect(page.locator("#intake-title")).to_be_visible()


def test_a_busy_service_is_asked_again_after_the_time_it_names(page: Page) -> None:
    problem = {
        "type": "/problems/overloaded",
        "title": "Too busy",
        "status": 503,
        "detail": "All workers are busy.",
        "instance": "/classify",
        "request_id": "abc",
    }
    asked: list[float] = []

    def refuse_once(route: Route) -> None:
        asked.append(page.evaluate("performance.now()"))
        if len(asked) > 1:
            route.continue_()
        else:
            route.fulfill(status=503, json=problem, headers={"Retry-After": "2"})

    page.route(CLASSIFY, refuse_once)
    choose(page, recording("busy.wav"))

    expect(page.locator("#history li")).to_contain_text("Too busy; trying again in")
    expect(page.locator(".recording-state")).to_contain_text("it will be tried again")
    expect(page.locator(".cards .card")).to_have_count(3)
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 2000


def test_a_page_of_a_proxy_is_told_as_such(page: Page) -> None:
    page.route(CLASSIFY, lambda route: route.fulfill(status=413, body=PROXY_ERROR))
    choose(page, recording("large.wav"))

    box = page.locator(".recording-state .problem")
    expect(box).to_contain_text("Something between you and the service answered")
    expect(box).to_contain_text("too large")
    expect(box).to_contain_text("413")
    assert "nginx" not in page.inner_text("body")


def test_of_what_is_too_large_a_smaller_copy_is_heard(page: Page) -> None:
    asked = refuse(page, "too-many-bytes", times=1)
    stereo = np.stack([tone(440, 2.0, rate_hz=48_000)] * 2, axis=1)
    choose(page, upload("song.wav", encode(stereo, rate_hz=48_000)))

    expect(page.locator(".cards .card")).to_have_count(3)
    expect(page.locator(".recording-head .facts")).to_contain_text("heard in a smaller copy")
    expect(page.locator(".recording-head .facts")).to_contain_text("0:02")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    whole, copy = (len(request.post_data_buffer or b"") for request in asked)
    assert copy < whole / 2


def test_what_is_too_large_and_cannot_be_copied_is_refused(page: Page) -> None:
    refuse(page, "too-many-bytes", times=1)
    choose(page, upload("notes.wav", b"no sound at all"))

    expect(page.locator(".recording-state .problem")).to_contain_text("Send less.")


def test_of_what_is_too_long_the_beginning_can_be_heard(page: Page) -> None:
    asked = refuse(page, "too-many-seconds", times=2)
    choose(page, recording("mix.wav"))
    page.get_by_role("button", name="Hear its first 10 minutes").click()
    page.get_by_role("button", name="Hear its first 2 minutes").click()  # the service takes less

    expect(page.locator(".cards .card")).to_have_count(3)
    first, *others = (request.url for request in asked)
    assert others == [f"{first}&duration_s={seconds}" for seconds in (600, 120)]
    expect(page.locator(".recording-head .facts")).to_contain_text("the first 0:02")
    expect(page.locator(".command code")).to_contain_text("timeline=true&duration_s=120")
    expect(page.get_by_role("button", name="Hear its first")).to_have_count(0)


def test_a_service_out_of_reach_is_told_and_can_be_tried_again(page: Page) -> None:
    page.route(CLASSIFY, lambda route: route.abort())
    choose(page, recording("lost.wav"))

    expect(page.locator(".recording-state")).to_contain_text("The service cannot be reached")
    expect(page.locator("#history li")).to_have_attribute("data-state", "failed")
    page.unroute_all()
    page.get_by_role("button", name="Try again: lost.wav").click()
    expect(page.locator(".cards .card")).to_have_count(3)


def test_drawings_are_there_while_the_service_is_out_of_reach(page: Page) -> None:
    page.route("**", lambda route: route.abort())
    choose(page, recording("tone.wav"))

    item = page.locator("#history li[data-state=failed]")
    expect(item.locator("button > .icon path")).to_have_count(2)  # try again, remove
    box = item.locator("button > .icon path").first.bounding_box()
    assert box is not None
    assert box["width"] > 5


def test_without_the_code_that_paints_a_recording_is_heard_and_answered(
    page: Page, address: str
) -> None:
    page.route("**/picture-worker.js", lambda route: route.abort())
    page.goto(f"{address}/")
    choose(page, recording("tone.wav"))

    expect(page.locator(".cards .card")).to_have_count(3)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_enabled()
    expect(page.locator(".stage > .note")).to_be_hidden()  # it does not read the sound for ever


def test_the_words_of_the_service_tell_what_is_wrong_with_a_file(page: Page) -> None:
    choose(page, upload("notes.txt", b"not audio at all", "text/plain"))

    box = page.locator(".recording-state .problem")
    expect(box).to_contain_text("Unsupported audio format")
    expect(box).to_contain_text("Request ")
    expect(page.locator(".stage")).to_be_hidden()
    # The same file would be refused again.
    expect(page.get_by_role("button", name="Remove: ")).to_be_visible()
    expect(page.get_by_role("button", name="Try again: ")).to_have_count(0)


def test_a_file_that_the_browser_cannot_play_still_has_its_answers(page: Page) -> None:
    aiff = encode(tone(440, 4.0), container="AIFF")
    choose(page, upload("tone.aiff", aiff, "audio/aiff"))

    expect(page.locator(".cards .card")).to_have_count(3)
    expect(page.locator(".stage")).to_contain_text("This browser cannot play this format")
    expect(page.locator(".chord")).not_to_have_count(0)
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_disabled()
    # What there is can be gone through, and nothing is said to play.
    page.locator(".ruler").click(position={"x": 500, "y": 9})
    assert 1 < float(page.get_by_label("Position").input_value()) < 4
    page.locator(".chord").first.click()
    expect(page.locator(".loop-chip")).to_be_hidden()
    expect(page.get_by_label("Position")).to_have_value("0")


def test_warnings_about_a_recording_are_told_in_words(page: Page) -> None:
    quiet = encode(tone(440, 0.5, rate_hz=8000, amplitude=0.005), 8000)
    choose(page, upload("quiet.wav", quiet))

    warnings = page.locator(".warnings li")
    expect(warnings).to_have_count(4)
    codes = [item.get_attribute("data-code") for item in warnings.all()]
    assert sorted(map(str, codes)) == ["low_sample_rate", "no_music", "quiet", "short"]
    for text in warnings.all_inner_texts():
        assert "_" not in text


@pytest.mark.parametrize(
    ("heard", "samples", "chips"),
    [
        ("silence", tone(440, 3.0, amplitude=0.0), ["silence"]),
        ("noise", noise(3.0), ["noise", "no chord"]),
    ],
)
def test_what_is_no_music_is_named_and_nothing_is_guessed_of_it(
    page: Page, heard: str, samples: Waveform, chips: list[str]
) -> None:
    choose(page, upload("odd.wav", encode(samples)))

    for task in ("genre", "emotion"):
        card = page.locator(f".of-{task}")
        expect(card.locator(".headline")).to_have_text(f"{heard} instead of music")
        expect(card.locator(".bar-label, .uncertain")).to_have_count(0)
    expect(page.locator("#history .chip")).to_have_text(chips)
    expect(page.locator("#announcement")).to_contain_text(f"odd.wav: {heard} instead of music")
    expect(page.locator(".lane.chords")).to_be_visible()
    expect(page.locator(".lane.bands, .lane.curve, .now-others dd")).to_have_count(0)


def test_no_chord_is_told_in_words(page: Page) -> None:
    choose(page, upload("noise.wav", encode(noise(3.0))))

    expect(page.locator(".of-chord .headline")).to_contain_text("no chord")
    expect(page.locator(".of-chord")).to_contain_text("silence, speech, drums")
    texts = page.locator(".card strong, .chord, .bar-label, .chip").all_inner_texts()
    assert "N" not in texts
    assert "no chord" in texts
    expect(page.get_by_role("button", name="Answer as JSON")).to_be_visible()
    expect(page.locator(".stepper")).to_have_count(0)  # nothing is there to transpose
    expect(page.get_by_role("button", name="Chords as")).to_have_count(0)


def test_nobody_is_told_to_drop_files_where_there_are_only_fingers(
    page: Page, browser: Browser, address: str
) -> None:
    expect(page.locator(".dropping")).to_be_visible()
    with browser.new_context(is_mobile=True, has_touch=True) as phone:
        visit = phone.new_page()
        visit.goto(f"{address}/")
        expect(visit.get_by_text("nothing is kept")).to_be_visible()
        expect(visit.locator(".dropping")).to_be_hidden()
