import pytest

from training.data.labels import (
    CHORDS,
    EMOTIONS,
    GENRES,
    QUALITIES,
    TASKS,
    canonical_label,
    chord_label,
    harte_label,
    one_spelling,
    some_of,
)


def test_the_genres_and_emotions_are_those_of_the_contract() -> None:
    assert set(GENRES) == {
        "blues", "classical", "country", "disco", "hiphop",
        "jazz", "metal", "pop", "reggae", "rock",
    }  # fmt: skip
    assert set(EMOTIONS) == {"happy", "sad"}


def test_the_chords_include_all_triads_and_those_of_guitar_chords_v3() -> None:
    roots = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    triads = {root + quality for root in roots for quality in ("", "m", "dim")}

    assert triads | {"N"} <= set(CHORDS)
    assert {"Am", "Bb", "Bdim", "C", "Dm", "Em", "F", "G"} <= set(CHORDS)
    assert len(set(CHORDS)) == len(CHORDS) == 12 * len(QUALITIES) + 1


def test_chords_come_in_the_order_of_the_networks_outputs() -> None:
    assert CHORDS[:14] == (
        "C", "Cm", "Cdim", "C7", "Cmaj7", "Cm7", "Csus2", "Csus4", "Caug", "Cm7b5", "Cdim7", "C6",
        "Cm6", "C#",
    )  # fmt: skip
    assert CHORDS[-1] == "N"


@pytest.mark.parametrize("task", TASKS)
def test_every_label_is_its_own_canonical_form(task: str) -> None:
    assert [canonical_label(task, label) for label in TASKS[task]] == list(TASKS[task])


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("Db", "C#"), ("D#m", "Ebm"), ("Gb7", "F#7"), ("G#dim", "Abdim"), ("A#", "Bb"),
        ("Cb", "B"), ("B#m", "Cm"), ("Fb", "E"), ("E#maj7", "Fmaj7"),
    ],
)  # fmt: skip
def test_enharmonic_roots_are_one_label(word: str, label: str) -> None:
    assert canonical_label("chord", word) == label


@pytest.mark.parametrize(
    ("word", "label"),
    [
        ("A:min", "Am"), ("Bb:maj", "Bb"), ("Gb:min7", "F#m7"), ("C:dim", "Cdim"),
        ("D:7", "D7"), ("E:maj7", "Emaj7"), ("F", "F"), ("N", "N"),
        ("D:sus4", "Dsus4"), ("E:sus2", "Esus2"), ("C:aug", "Caug"), ("B:hdim7", "Bm7b5"),
        ("Db:dim7", "C#dim7"), ("C:maj6", "C6"), ("A:min6", "Am6"),
    ],
)  # fmt: skip
def test_harte_notation_is_read(word: str, label: str) -> None:
    assert canonical_label("chord", word) == label


@pytest.mark.parametrize(
    ("word", "label"),
    [
        (" F#m ", "F#m"), ("Gbmin", "F#m"), ("Cminor", "Cm"), ("C-", "Cm"), ("CM", "C"),
        ("Cmajor", "C"), ("Bo", "Bdim"), ("Gdom7", "G7"), ("CM7", "Cmaj7"), ("Cmin7", "Cm7"),
        ("noise", "N"), ("silence", "N"), ("none", "N"),
        ("Dsus", "Dsus4"), ("C+", "Caug"), ("Bm7b5", "Bm7b5"), ("Do7", "Ddim7"), ("C6", "C6"),
        ("Am6", "Am6"),
    ],
)  # fmt: skip
def test_chords_are_read_as_guitarists_write_them(word: str, label: str) -> None:
    assert canonical_label("chord", word) == label


def test_major_and_minor_sevenths_differ_by_the_case_of_one_letter() -> None:
    assert canonical_label("chord", "CM7") != canonical_label("chord", "Cm7")


@pytest.mark.parametrize(
    ("word", "label"),
    [("G9", "G7"), ("G:9", "G7"), ("Cmaj9", "Cmaj7"), ("C:maj9", "Cmaj7"), ("Am9", "Am7"),
     ("A:min9", "Am7")],
)  # fmt: skip
def test_ninths_are_the_sevenths_that_they_are_built_on(word: str, label: str) -> None:
    assert canonical_label("chord", word) == label


@pytest.mark.parametrize(
    ("label", "harte"),
    [("C", "C:maj"), ("F#m", "F#:min"), ("Em7", "E:min7"), ("Dsus4", "D:sus4"), ("Caug", "C:aug"),
     ("Bm7b5", "B:hdim7"), ("Ddim7", "D:dim7"), ("C6", "C:maj6"), ("Am6", "A:min6"), ("N", "N")],
)  # fmt: skip
def test_lab_files_spell_chords_in_hartes_notation(label: str, harte: str) -> None:
    assert harte_label(label) == harte
    assert canonical_label("chord", harte) == label


@pytest.mark.parametrize(
    "word", ["", "H", "Cadd9", "C7sus4", "am", "C/E", "G:maj/3", "chords", "X"]
)
def test_unknown_chords_have_no_label(word: str) -> None:
    assert canonical_label("chord", word) is None


@pytest.mark.parametrize(
    ("task", "word", "label"),
    [
        ("genre", "Jazz", "jazz"), ("genre", "Hip-Hop", "hiphop"), ("genre", "hip hop", "hiphop"),
        ("genre", "rap", "hiphop"), ("genre", " ROCK ", "rock"), ("emotion", "Happy", "happy"),
        ("emotion", "Sad", "sad"),
    ],
)  # fmt: skip
def test_case_and_spelling_of_words_do_not_matter(task: str, word: str, label: str) -> None:
    assert canonical_label(task, word) == label


@pytest.mark.parametrize(
    ("task", "word"),
    [("genre", ""), ("genre", "techno"), ("genre", "happy"), ("emotion", "angry"), ("emotion", "")],
)
def test_words_of_no_vocabulary_have_no_label(task: str, word: str) -> None:
    assert canonical_label(task, word) is None


def test_a_chord_is_named_by_pitch_class_and_quality() -> None:
    assert chord_label(9, "min") == "Am"
    assert chord_label(11, "dim") == "Bdim"
    assert chord_label(12 + 6, "m7") == "F#m7"


@pytest.mark.parametrize("written", ["Fl\u00f6te hoch", "Flo\u0308te hoch", " Fl\u00f6te \t hoch "])
def test_labels_that_look_the_same_are_the_same(written: str) -> None:
    assert one_spelling(written) == "Fl\u00f6te hoch"
    assert canonical_label("instrument", written) == "Fl\u00f6te hoch"


@pytest.mark.parametrize(
    ("count", "end"), [(1, "label 0"), (12, ", label 11"), (13, ", label 11 and 1 more")]
)
def test_of_many_labels_a_message_names_the_first(count: int, end: str) -> None:
    named = some_of([f"label {n}" for n in range(count)])

    assert named.startswith("label 0")
    assert named.endswith(end)
