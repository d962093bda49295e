"""What is heard: play, seek, loop, zoom, and what moves along."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.service.pages.conftest import count_wake_locks

POSITION = "Number(document.querySelector('.transport input').value)"


def position(page: Page) -> float:
    value: float = page.evaluate(POSITION)
    return value


def wait_until(page: Page, condition: str) -> None:
    """Wait as Playwright's own function would, which the page's security policy does not allow."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"it never came true: {condition}")


def play_button(page: Page, name: str) -> None:
    expect(page.locator(".play")).to_have_attribute("aria-label", name)


def test_it_plays_and_the_cursor_and_the_chord_move_along(example: Page) -> None:
    expect(example.locator(".now-chord")).to_have_text("C")
    example.locator(".play").click()
    play_button(example, "Pause")
    wait_until(example, f"{POSITION} > 2.3")

    expect(example.locator(".now-chord")).to_have_text("G")
    expect(example.locator(".chord.now")).to_have_text("G")
    expect(example.locator(".now-ahead li").first).to_have_text("Am")
    example.locator(".play").click()
    play_button(example, "Play")
    # The cursor stands where the bar does, over waveform and spectrogram alike.
    shares = example.evaluate(
        """() => {
            const line = document.querySelector(".cursor").getBoundingClientRect();
            const axis = document.querySelector(".axis").getBoundingClientRect();
            const heard = document.querySelector(".transport input");
            const lanes = [".waveform", ".spectrogram", ".chords", ".bands", ".curve"];
            const over = lanes.every((name) => {
              const lane = document.querySelector(name).getBoundingClientRect();
              return line.top <= lane.top && lane.bottom <= line.bottom;
            });
            return [(line.left + 1 - axis.left) / axis.width, heard.value / heard.max, over];
        }"""
    )
    assert abs(shares[0] - shares[1]) < 0.005
    assert shares[2]


def test_on_a_phone_the_player_comes_before_the_cards_also_for_keys(example: Page) -> None:
    for width, first in ((360, ".stage"), (1280, ".cards")):
        example.set_viewport_size({"width": width, "height": 740})
        wait_until(
            example,
            f"[...document.querySelectorAll('.stage, .cards')][0].matches('{first}')",
        )


def test_it_stops_at_the_end_and_begins_again(example: Page) -> None:
    example.locator(".transport input").focus()
    example.keyboard.press("End")
    example.keyboard.press("ArrowLeft")
    end = position(example)
    example.locator(".play").click()
    play_button(example, "Play")
    assert position(example) >= end
    example.locator(".play").click()
    play_button(example, "Pause")
    assert position(example) < 5


def test_the_screen_stays_on_while_it_plays_also_when_the_page_was_hidden(example: Page) -> None:
    count_wake_locks(example)
    example.locator(".play").click()
    wait_until(example, "awake === 1")
    for state in ("hidden", "visible"):
        example.evaluate(
            """state => {
                if (state === "hidden") awake = 0; // browsers end it by themselves
                const told = { value: state, configurable: true };
                Object.defineProperty(document, "visibilityState", told);
                document.dispatchEvent(new Event("visibilitychange"));
            }""",
            state,
        )
    wait_until(example, "awake === 1")
    example.locator(".play").click()
    wait_until(example, "awake === 0")


def test_a_click_seeks_to_where_it_is(example: Page) -> None:
    lane = example.locator(".spectrogram")
    box = lane.bounding_box()
    assert box is not None
    lane.click(position={"x": box["width"] / 2, "y": 20})

    duration = example.evaluate("Number(document.querySelector('.transport input').max)")
    assert abs(position(example) - duration / 2) < 0.05
    play_button(example, "Play")


def test_the_space_bar_plays_and_pauses_after_any_click(example: Page) -> None:
    example.locator(".waveform").click()
    example.keyboard.press("Space")
    play_button(example, "Pause")
    example.keyboard.press("Space")
    play_button(example, "Play")
    # A button that the mouse pressed last is not pressed again.
    example.get_by_role("button", name="Transpose up").click()
    example.keyboard.press("Space")
    play_button(example, "Pause")
    expect(example.locator(".stepper output").first).to_have_text("+1")


def test_a_chord_is_heard_in_a_loop(example: Page) -> None:
    chord = example.locator(".chord", has_text="Am").first
    chord.click()
    play_button(example, "Pause")
    expect(chord).to_have_attribute("aria-pressed", "true")
    chip = example.locator(".loop-chip")
    expect(chip).to_have_text("Looping Am ✕")
    label = chord.get_attribute("aria-label") or ""
    start, end = (float(t) for t in re.findall(r"0:(\d+\.\d)", label))

    seen = [position(example)]
    while len(seen) < 60:
        example.wait_for_timeout(50)
        seen.append(position(example))
    assert start - 0.1 <= min(seen) <= max(seen) <= end + 0.1
    assert any(later < earlier for earlier, later in pairwise(seen))

    chip.click()
    expect(chip).to_be_hidden()
    expect(chord).to_have_attribute("aria-pressed", "false")
    play_button(example, "Pause")


def test_seeking_away_leaves_the_loop(example: Page) -> None:
    example.locator(".chord").first.click()
    expect(example.locator(".loop-chip")).to_be_visible()
    lane = example.locator(".waveform")
    lane.click(position={"x": 600, "y": 20})
    expect(example.locator(".loop-chip")).to_be_hidden()
    assert position(example) > 2


def test_it_zooms_and_turns_the_page_with_the_music(example: Page) -> None:
    scroller = example.locator(".scroller")
    assert scroller.evaluate("s => s.scrollWidth === s.clientWidth")
    expect(example.get_by_role("button", name="Show more")).to_be_disabled()
    for _ in range(2):
        example.get_by_role("button", name="Show less, larger").click()
    assert scroller.evaluate("s => s.scrollWidth > 3 * s.clientWidth")

    example.locator(".transport input").focus()
    example.keyboard.press("End")
    example.locator(".play").click()  # at the end it begins again, where nothing was in view
    scroller.evaluate("s => { s.scrollLeft = s.scrollWidth; }")
    wait_until(example, "document.querySelector('.scroller').scrollLeft < 400")

    example.get_by_role("button", name="Show all").click()
    assert scroller.evaluate("s => s.scrollWidth === s.clientWidth")


def test_a_chord_has_its_name_where_all_of_it_has_room_and_its_colour_always(
    example: Page,
) -> None:
    drawn = """async () => {
        const { chordLane } = await import("/static/show/chord-lane.js");
        const names = ["C", "Bbm", "C#m7b5", "N"];
        const timeline = names.map((label, i) => ({ label, start_s: i, end_s: i + 1 }));
        const lane = chordLane({ timeline, duration: 4, onLoop: () => {} });
        document.querySelector(".lanes").append(lane.element);
        const widths = [2, 20, 35, 45, 70, 100].map((px) => {
          lane.element.style.width = `${4 * px}px`;
          lane.draw({ pxPerSecond: px });
          return [...lane.element.children].map((chord) => {
            const name = chord.firstElementChild;
            const whole = name.offsetWidth <= chord.clientWidth;
            const named = getComputedStyle(name).visibility === "visible";
            return [named, whole, getComputedStyle(chord).boxShadow === "none"];
          });
        });
        lane.element.remove();
        return widths;
    }"""
    by_width = example.evaluate(drawn)
    assert all(named <= whole for chords in by_width for named, whole, _ in chords)
    assert [sum(named for named, *_ in chords) for chords in by_width][0::5] == [0, 4]
    # At two pixels a white edge on both sides would be all that is seen.
    assert [all(bare for *_, bare in chords) for chords in by_width][:2] == [True, False]


def test_on_a_phone_chords_to_come_are_shown_whole_or_not(example: Page) -> None:
    example.set_viewport_size({"width": 360, "height": 740})
    shown = """([now, ...names]) => {
        const [large, ahead] = [".now-chord", ".now-ahead"].map((at) => document.querySelector(at));
        large.textContent = now;
        ahead.replaceChildren(...names.map((name) => {
          const item = document.createElement("li");
          item.textContent = name;
          return item;
        }));
        const room = ahead.getBoundingClientRect();
        const whole = [...ahead.children].filter((item) => {
          const { top, right } = item.getBoundingClientRect();
          return top < room.bottom && right <= room.right;
        });
        const cut = [...ahead.children].filter((item) => {
          const { top, right } = item.getBoundingClientRect();
          return top < room.bottom && right > room.right;
        });
        return [whole.length, cut.length, large.getBoundingClientRect().right <= room.left];
    }"""
    assert example.evaluate(shown, ["C", "G", "Am", "F"]) == [3, 0, True]
    for now in ("Bb", "C#m7b5"):
        assert example.evaluate(shown, [now, "C#maj7", "Ebsus4", "F#m7b5"])[1:] == [0, True]


@pytest.mark.parametrize(("size_bytes", "read"), [(1e6, [True, True]), (3e7, [False, True])])
def test_a_large_file_is_not_read_before_it_has_an_answer(
    modules: Page, size_bytes: float, read: list[bool]
) -> None:
    assert (
        modules.evaluate(
            """async size => {
                const { Stage } = await import("/static/show/stage.js");
                const [stage, read] = [new Stage(), []];
                let asked = false;
                const file = { size, arrayBuffer: async () => { asked = true; throw "gone"; } };
                const recording = { file, answer: null };
                stage.open(recording);
                read.push(asked);
                recording.answer = { audio: { duration_s: 2 }, results: {} };
                stage.answered();
                return [...read, asked];
            }""",
            size_bytes,
        )
        == read
    )


def test_what_is_opened_again_is_played_from_its_last_reading(modules: Page) -> None:
    told = """async () => {
        const { Stage } = await import("/static/show/stage.js");
        const [stage, waiting] = [new Stage(), []];
        const arrayBuffer = () => new Promise((_, fail) => waiting.push(fail));
        const [song, other] = [1, 2].map((size) => ({ file: { size, arrayBuffer }, answer: null }));
        for (const recording of [song, other, song]) stage.open(recording);
        const notes = [];
        for (const fail of [waiting[0], waiting[2]]) {
          fail();
          await new Promise((done) => setTimeout(done));
          notes.push(stage.element.querySelector(".note").textContent);
        }
        return notes;
    }"""
    first, second = modules.evaluate(told)
    assert first.startswith("Reading")
    assert not second.startswith("Reading")


def test_how_far_the_mood_strays_is_painted_only_where_it_was_heard(modules: Page) -> None:
    painted = """async () => {
        const { answerLane } = await import("/static/show/answer-lanes.js");
        const probabilities = { happy: 0.6, sad: 0.4 };
        const timeline = [{ start_s: 0, end_s: 2, label: "happy", confidence: 0.6, probabilities }];
        const { element, draw } = answerLane({
          task: "emotion", probabilities, spread: { happy: 0.2 }, timeline,
        });
        draw({ start: 0, end: 4, width: 400, pxPerSecond: 100 });
        const context = element.querySelector("canvas").getContext("2d");
        return [100, 300].map((x) => {
          const { data } = context.getImageData(x, 0, 1, context.canvas.height);
          return data.filter((value, i) => i % 4 === 3 && value > 0).length;
        });
    }"""
    heard_px, unheard_px = modules.evaluate(painted)
    assert heard_px > 20
    assert unheard_px <= 2  # the line in the middle


def test_opening_another_recording_stops_this_one(example: Page) -> None:
    example.locator(".play").click()
    play_button(example, "Pause")
    example.get_by_role("button", name="Try an example").click()
    play_button(example, "Play")
    assert position(example) == 0
