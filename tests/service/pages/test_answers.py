"""What is told of a recording, and what people take along."""

import json
import shlex
import subprocess
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.service.pages.conftest import example_file
from tests.service.pages.test_modules import midi_events

PLAYED = ["C", "G", "Am", "F", "C", "G", "Am", "F"]


def saved(page: Page, button: str, folder: Path) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def names(page: Page) -> list[str]:
    return [name for name in page.locator(".chord").all_text_contents() if name != "no chord"]


def test_the_example_is_named_as_it_was_played(untouched: Page) -> None:
    assert names(untouched) == PLAYED
    bars = untouched.locator(".of-chord .bar-label").all_inner_texts()
    assert {"C", "G", "Am", "F"} <= set(bars)
    expect(untouched.locator(".of-chord .headline")).to_contain_text("sounds longest")
    expect(untouched.locator(".of-chord")).to_contain_text("Key: C major")
    expect(untouched.locator(".of-chord")).to_contain_text("A = 440 Hz.")
    expect(untouched.locator(".of-emotion")).to_contain_text("Energy")
    expect(untouched.locator(".of-emotion")).to_contain_text("calm or energetic")


def test_each_answer_links_to_the_card_of_its_model(untouched: Page, address: str) -> None:
    links = [link.get_attribute("href") for link in untouched.locator(".card-link").all()]
    assert links == [f"{address}/models/{task}" for task in ("genre", "chord", "emotion")]


def test_transposing_and_the_capo_shift_all_names(example: Page) -> None:
    example.get_by_role("button", name="Transpose up").click(click_count=2)
    assert names(example) == ["D", "A", "Bm", "G"] * 2
    expect(example.locator(".now-chord")).to_have_text("D")
    expect(example.locator(".of-chord .bar-label", has_text="Bm")).to_have_count(1)
    expect(example.locator(".of-chord")).to_contain_text("Key: D major")

    example.get_by_role("button", name="Capo up").click(click_count=2)
    assert names(example) == PLAYED
    expect(example.locator(".key-controls .note")).to_contain_text(
        "with the capo on fret 2, grip C to hear D"
    )
    for _ in range(3):
        example.get_by_role("button", name="Capo down").click()
    expect(example.locator(".stepper output").nth(1)).to_have_text("none")


def test_the_answer_is_saved_as_the_service_gave_it(untouched: Page, tmp_path: Path) -> None:
    path = saved(untouched, "Answer as JSON", tmp_path)
    assert path.name == "Example guitar.json"
    answer = json.loads(path.read_text("utf-8"))
    assert set(answer["results"]) == {"genre", "chord", "emotion"}
    assert [s["label"] for s in answer["results"]["chord"]["timeline"]][:4] == PLAYED[:4]


def test_chords_are_saved_as_lab_csv_and_midi(example: Page, tmp_path: Path) -> None:
    lab = saved(example, "Chords as .lab", tmp_path).read_text("utf-8").splitlines()
    rows = [line.split("\t") for line in lab]
    assert [row[2] for row in rows[:4]] == ["C:maj", "G:maj", "A:min", "F:maj"]
    assert all(float(start) < float(end) for start, end, _ in rows)
    assert rows[0][0] == "0.000"

    example.get_by_role("button", name="Transpose up").click()
    csv = saved(example, "Chords as CSV", tmp_path).read_text("utf-8").splitlines()
    assert csv[0] == "start_s,end_s,chord,shown_as,confidence"
    assert [line.split(",")[2:4] for line in csv[1:4]] == [["C", "C#"], ["G", "Ab"], ["Am", "Bbm"]]

    midi = saved(example, "Chords as MIDI", tmp_path)
    assert midi.name == "Example guitar.mid"
    events = midi_events(midi.read_bytes())
    first = {note % 12 for tick, status, note in events if status == 0x90 and tick == 0}
    assert first == {0, 4, 7}


def test_the_curl_line_asks_for_the_same_answer(untouched: Page, tmp_path: Path) -> None:
    (tmp_path / "Example guitar.wav").write_bytes(example_file(untouched))
    line = untouched.locator(".command code").inner_text()
    done = subprocess.run(  # noqa: S603  # our own line
        [*shlex.split(line), "--silent"], cwd=tmp_path, capture_output=True, check=False
    )
    shown = json.loads(saved(untouched, "Answer as JSON", tmp_path).read_text("utf-8"))
    assert json.loads(done.stdout) == shown


def test_the_curl_line_is_copied_or_the_reason_told(example: Page) -> None:
    copy = example.get_by_role("button", name="Copy the curl command")
    said = example.locator(".take-away [role=status]")

    example.evaluate("() => { navigator.clipboard.writeText = async () => { throw 1; }; }")
    copy.click()
    expect(said).to_contain_text("select the text instead")

    example.evaluate(
        "() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }"
    )
    copy.click()
    expect(said).to_contain_text("Copied")
    assert example.evaluate("window.copied").startswith("curl -F ")


def test_on_paper_there_is_what_was_heard_and_nothing_to_press(untouched: Page) -> None:
    untouched.emulate_media(media="print", color_scheme="dark")
    assert untouched.evaluate("getComputedStyle(document.body).color") == "rgb(33, 28, 23)"
    for heard in (".recording-head h2", ".of-genre", ".of-chord", ".chord >> nth=0", ".legend"):
        expect(untouched.locator(heard)).to_be_visible()
    for pressed in (".side", ".transport", ".take-away", ".stepper button >> nth=0"):
        expect(untouched.locator(pressed)).to_be_hidden()
    untouched.emulate_media(media="screen", color_scheme="light")


def test_on_paper_each_chord_of_a_song_has_its_name_and_time(example: Page) -> None:
    example.set_viewport_size({"width": 180, "height": 740})  # no room along the time axis
    expect(example.locator(".chord.narrow").first).to_be_attached()
    example.emulate_media(media="print")
    chords = example.locator(".chord")
    for chord in (chords.first, chords.last):
        expect(chord.locator("span")).to_be_visible()
    ways = chords.evaluate_all("all => all.map(chord => chord.scrollWidth - chord.clientWidth)")
    assert set(ways) == {0}
    assert [chord.get_attribute("data-from") for chord in chords.all()][:2] == ["0:00", "0:02"]
    example.emulate_media(media="screen")
