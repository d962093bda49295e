"""The modules that compute, without a page: evaluated in the browser that runs them."""

import struct

import pytest
from playwright.sync_api import Page

from service.inference.card import Card
from tests.server import ROOT
from tests.service.pages.conftest import module

CHORDS = "music/chords.js"
TIMELINE = [
    {"start_s": 0.0, "end_s": 1.5, "label": "Am", "confidence": 0.9},
    {"start_s": 1.5, "end_s": 2.0, "label": "N", "confidence": 0.5},
    {"start_s": 2.0, "end_s": 4.25, "label": "F#7", "confidence": 0.8},
]


@pytest.mark.parametrize(
    ("name", "semitones", "expected"),
    [
        ("C", 2, "D"),
        ("Am", 3, "Cm"),
        ("F#m7", -1, "Fm7"),
        ("B", 1, "C"),
        ("Bdim", -12, "Bdim"),
        ("A", 1, "Bb"),
        ("N", 5, "N"),
        ("Gmaj7", 1, "Abmaj7"),
        ("Bm7b5", 2, "C#m7b5"),
        ("Ab6", 1, "A6"),
        ("Baug", 1, "Caug"),
    ],
)
def test_chords_are_transposed(modules: Page, name: str, semitones: int, expected: str) -> None:
    assert module(modules, CHORDS, "m.transpose(...argument)", [name, semitones]) == expected


def test_every_label_of_the_chord_model_comes_back_after_twelve_semitones(modules: Page) -> None:
    card = Card.model_validate_json((ROOT / "models/chord/card.json").read_bytes())
    moved = module(modules, CHORDS, "argument.map((name) => m.transpose(name, 12))", card.labels)
    assert moved == card.labels


def test_every_chord_of_the_model_has_notes(modules: Page) -> None:
    card = Card.model_validate_json((ROOT / "models/chord/card.json").read_bytes())
    chords = [label for label in card.labels if label != "N"]
    notes = module(modules, CHORDS, "argument.map((label) => m.notesOf({ label }))", chords)
    classes = [sorted({note % 12 for note in chord}) for chord in notes]
    assert all(3 <= len(pitches) <= 4 for pitches in classes)
    assert classes[chords.index("Am7")] == [0, 4, 7, 9]
    assert classes[chords.index("Bdim")] == [2, 5, 11]
    assert classes[chords.index("Dsus4")] == [2, 7, 9]
    assert classes[chords.index("C6")] == classes[chords.index("Am7")]
    assert module(modules, CHORDS, 'm.notesOf({ label: "N" })') == []


def test_a_chord_on_another_bass_is_shown_played_and_saved_with_it(modules: Page) -> None:
    inverted = {**TIMELINE[0], "bass": {"note": "C", "degree": "b3", "probability": 0.9}}
    shown = "[m.shownAs(argument), m.shownAs(argument, 4), m.shownAs({ label: 'N' }, 4)]"
    assert module(modules, CHORDS, shown, inverted) == ["Am/C", "C#m/E", "no chord"]

    plain, low = module(
        modules,
        CHORDS,
        "[m.notesOf({ ...argument, bass: undefined }), m.notesOf(argument)]",
        inverted,
    )
    assert (min(plain) % 12, min(low) % 12) == (9, 0)
    assert sorted(plain)[1:] == sorted(low)[1:]

    card = {"labels": ["Am", "N"], "lab_labels": ["A:min", "N"]}
    lab = "m.labFile(argument.timeline, argument.card)"
    asked = {"timeline": [inverted, TIMELINE[1]], "card": card}
    assert module(modules, "music/exports.js", lab, asked) == (
        "0.000\t1.500\tA:min/b3\n1.500\t2.000\tN\n"
    )
    csv = module(modules, "music/exports.js", "m.csvFile(argument, 2)", [inverted])
    assert csv.splitlines()[1] == "0.000,1.500,Am/C,Bm/D,0.9"
    assert b"Am/C" in bytes(
        module(modules, "music/midi.js", "[...m.midiFile(argument, 'Song')]", [inverted])
    )


def test_a_midi_file_holds_the_chords_where_they_sound(modules: Page) -> None:
    data = bytes(module(modules, "music/midi.js", "[...m.midiFile(argument, 'Song')]", TIMELINE))
    events = midi_events(data)

    # 960 ticks a second: 480 a quarter at 120 beats a minute.
    struck = [(tick, note) for tick, status, note in events if status == 0x90]
    assert {tick for tick, _ in struck} == {0, 1920}
    assert {note % 12 for tick, note in struck if tick == 0} == {9, 0, 4}
    assert {note % 12 for tick, note in struck if tick == 1920} == {6, 10, 1, 4}
    damped = {tick for tick, status, _ in events if status == 0x80}
    assert damped == {1439, 4079}
    assert b"Am" in data
    assert b"no chord" in data


def midi_events(data: bytes) -> list[tuple[int, int, int]]:
    """Return tick, status and first data byte of each event; checks the frame of the file."""
    assert data[:4] == b"MThd"
    assert struct.unpack(">IHHH", data[4:14]) == (6, 0, 1, 480)
    assert data[14:18] == b"MTrk"
    track = data[22:]
    assert len(track) == struct.unpack(">I", data[18:22])[0]
    at, tick, found = 0, 0, []
    while at < len(track):
        delta, at = variable_length(track, at)
        tick += delta
        status = track[at]
        found.append((tick, status, track[at + 1]))
        if status == 0xFF:
            length, at = variable_length(track, at + 2)
            at += length
        else:
            at += 2 if status & 0xF0 == 0xC0 else 3
    assert found[-1][1:] == (0xFF, 0x2F)
    return found


def variable_length(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    while True:
        value = value << 7 | data[at] & 0x7F
        at += 1
        if data[at - 1] < 0x80:
            return value, at


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("0", 0), (None, None), ("soon", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
)
def test_retry_after_is_read_in_both_its_forms(
    modules: Page, header: str | None, seconds: int | None
) -> None:
    assert module(modules, "api.js", "m.secondsUntil(argument)", header) == seconds


def test_the_curl_line_survives_any_file_name(modules: Page) -> None:
    name = """it's "my; song", 1.mp3"""
    asked = ["http://h/classify?timeline=true", name]
    line = module(modules, "music/exports.js", "m.curlLine(...argument, true)", asked)
    assert line == (
        """curl -H "X-API-Key: $KEY" -F 'file=@"it'\\''s \\"my; song\\", 1.mp3"' """
        "'http://h/classify?timeline=true'"
    )


@pytest.mark.parametrize(
    ("seconds", "index"), [(0, 0), (1.49, 0), (1.5, 1), (4.2, 2), (4.25, -1), (9, -1)]
)
def test_a_time_belongs_to_the_segment_that_sounds_then(
    modules: Page, seconds: float, index: int
) -> None:
    found = module(modules, "music/timeline.js", "m.segmentAt(...argument)", [TIMELINE, seconds])
    assert found == index


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0:00"), (59.6, "1:00"), (61, "1:01"), (3599.7, "60:00")]
)
def test_times_are_told_in_minutes_and_seconds(modules: Page, seconds: float, told: str) -> None:
    assert module(modules, "words.js", "m.clock(argument)", seconds) == told


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0 %"), (0.004, "< 1 %"), (0.5, "50 %"), (0.999, "> 99 %"), (1, "100 %")],
)
def test_shares_are_never_rounded_to_nothing_or_all(modules: Page, share: float, told: str) -> None:
    assert module(modules, "words.js", "m.percent(argument)", share) == told


@pytest.mark.parametrize(
    ("cents", "told"),
    [
        (0.4, "Tuned to A = 440 Hz."),
        (-1.2, "Tuned 1 cent below A = 440 Hz."),
        (31.6, "Tuned 32 cents above A = 440 Hz."),
    ],
)
def test_tuning_is_told_in_whole_cents(modules: Page, cents: float, told: str) -> None:
    assert module(modules, "words.js", "m.tuningWords(argument)", cents) == told


def test_every_warning_of_the_service_is_explained(modules: Page) -> None:
    source = (ROOT / "service/audio/quality.py").read_text("utf-8")
    codes = [part.split(":")[0] for part in source.split("found.append(")[1:]]
    codes = [code.strip().lstrip("f").strip('"\n ') for code in codes]
    assert {"silent", "phase", "damaged"} <= set(codes)
    codes.append("no_music")  # which the models find, not the decoder
    told = module(
        modules, "words.js", "argument.map((code) => m.warningWords(code + ': x'))", codes
    )
    # One that has no words of its own is told in the service's.
    assert [warning["code"] for warning in told if warning["meaning"] == "X"] == []


def test_a_pure_tone_is_bright_in_one_band_of_the_mel_spectrogram(modules: Page) -> None:
    found = module(
        modules,
        "sound/mel.js",
        """(() => {
            const tone = Float32Array.from({ length: 44100 }, (_, i) =>
              Math.sin(2 * Math.PI * argument * i / 44100));
            const { columns, levels } = m.melSpectrogram(tone, 44100, 6000);
            const middle = levels.slice((columns >> 1) * m.BANDS, ((columns >> 1) + 1) * m.BANDS);
            const loudest = middle.indexOf(Math.max(...middle));
            const bright = middle.filter((level) => level > 128).length;
            return { columns, bands: m.BANDS, loudest, bright };
        })()""",
        1000.0,
    )
    mel = 1127.0 * 0.8872  # of 1000 Hz, on the scale of the module: 2595 log10(1 + 1000 / 700)
    lowest, highest = 60.2, 3176.7  # of 40 and of 11,000 Hz
    expected = (mel - lowest) / ((highest - lowest) / (found["bands"] + 1)) - 1
    assert found["loudest"] == pytest.approx(expected, abs=1)
    assert found["bright"] <= 5
    assert found["columns"] == 87  # a column every 512 samples


def test_a_long_recording_gets_no_more_columns_than_asked_for(modules: Page) -> None:
    expression = "m.melSpectrogram(new Float32Array(1e6), 44100, argument).columns"
    assert module(modules, "sound/mel.js", expression, 100) == 100


def test_a_wav_file_is_written_as_programs_read_it(modules: Page) -> None:
    data = module(
        modules,
        "sound/wav.js",
        "[...new Uint8Array(await m.wavFile([new Float32Array([0, 1, -2])], 8000).arrayBuffer())]",
    )
    header, samples = bytes(data[:44]), struct.unpack("<3h", bytes(data[44:]))
    assert header[:4] + header[8:16] == b"RIFFWAVEfmt "
    assert struct.unpack("<IHHIIHH", header[16:36]) == (16, 1, 1, 8000, 16000, 2, 16)
    assert struct.unpack("<I", header[40:44]) == (6,)
    assert samples == (0, 32767, -32767)


def test_colours_from_quiet_to_loud_grow_lighter(modules: Page) -> None:
    colours = module(modules, "sound/heat.js", "m.heatColours()")
    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b, _ in colours]
    assert len(light) == 256
    assert light == sorted(light)


@pytest.mark.parametrize(
    ("most_bytes", "rate_hz"), [(1_000_000, 44_100), (80_000, 20_000), (60_000, None)]
)
def test_a_smaller_copy_has_the_highest_rate_that_fits_and_enough_treble(
    modules: Page, most_bytes: int, rate_hz: int | None
) -> None:
    copy = module(
        modules,
        "sound/smaller.js",
        """await (async () => {
            const { wavFile } = await import("/static/sound/wav.js");
            const tone = Float32Array.from({ length: 96_000 }, (_, i) => Math.sin(0.06 * i) / 2);
            const copy = await m.smallerCopy(wavFile([tone], 48_000), argument);
            if (!copy) return null;
            const view = new DataView(await copy.arrayBuffer());
            const samples = new Int16Array(view.buffer, 44);
            const power = samples.reduce((sum, x) => sum + (x / 32767) ** 2, 0) / samples.length;
            return [view.getUint32(24, true), samples.length, power];
        })()""",
        most_bytes,
    )
    if rate_hz is None:
        assert copy is None
    else:
        assert copy == pytest.approx([rate_hz, 2 * rate_hz, 0.125], rel=0.01)
