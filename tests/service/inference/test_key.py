from collections.abc import Sequence

import numpy as np
import pytest

from service.inference.harte import NOTES
from service.inference.key import Chord, Key, find_key, parse_chord
from service.inference.timeline import LabelledSegment
from service.inference.windows import Segment

QUALITIES = ("maj", "min", "dim", "7", "sus4")
LABELS = [*(f"{root}:{quality}" for root in NOTES for quality in QUALITIES), "N"]


def song(*chords: str, length_s: float = 2.0, sure: float = 0.98) -> list[LabelledSegment]:
    """Return a timeline in which chords follow each other."""
    timeline = []
    for place, chord in enumerate(chords):
        label = LABELS.index(chord)
        probabilities = np.full(len(LABELS), (1 - sure) / (len(LABELS) - 1))
        probabilities[label] = sure
        segment = Segment(place * length_s, (place + 1) * length_s)
        timeline.append(LabelledSegment(segment, label, probabilities))
    return timeline


def moved(chords: Sequence[str], semitones: int) -> list[str]:
    """Return chords some semitones higher."""
    split = [chord.partition(":") for chord in chords]
    return [f"{NOTES[(NOTES.index(r) + semitones) % 12]}:{q}" for r, _, q in split]


def key_of(*chords: str) -> Key:
    key = find_key(song(*chords), LABELS)
    assert key is not None
    return key


@pytest.mark.parametrize(
    ("chords", "tonic", "mode"),
    [
        (("C:maj", "G:maj", "A:min", "F:maj"), "C", "major"),
        (("D:min", "G:7", "C:maj"), "C", "major"),
        (("A:min", "D:min", "E:7", "A:min"), "A", "minor"),
        (("A:min", "F:maj", "G:maj", "A:min"), "A", "minor"),
        (("C:min", "D:dim", "G:maj", "C:min"), "C", "minor"),
    ],
)
def test_common_progressions_are_in_their_key_wherever_they_begin(
    chords: tuple[str, ...], tonic: str, mode: str
) -> None:
    for semitones in range(12):
        key = key_of(*moved(chords, semitones))
        there = NOTES[(NOTES.index(tonic) + semitones) % 12]
        assert key.label == f"{there} {mode}"
        assert 0.5 < key.probability <= 1


def test_what_sounds_longer_decides() -> None:
    in_c, in_e = ("C:maj", "F:maj", "G:maj"), ("E:maj", "A:maj", "B:maj")
    assert key_of(*(4 * in_c), *in_e).label == "C major"
    assert key_of(*in_c, *(4 * in_e)).label == "E major"


def test_chords_of_two_keys_leave_doubt() -> None:
    clear = key_of("C:maj", "F:maj", "G:maj", "C:maj")
    # Without F or F#, it may be G as well.
    assert key_of("C:maj", "G:maj", "E:min", "C:maj").probability < clear.probability


def test_chords_of_no_key_have_none() -> None:
    assert find_key(song("C:maj", "F#:maj", "Bb:maj", "E:maj"), LABELS) is None


def test_the_probability_grows_with_what_is_heard_up_to_the_longest_checked() -> None:
    chords = ("C:maj", "F:maj", "G:maj")
    short, longer, longest = (key_of(*(n * chords)).probability for n in (1, 4, 20))
    assert short < longer < longest
    assert key_of(*(200 * chords)).probability == pytest.approx(longest)


def test_silence_between_chords_changes_nothing() -> None:
    chords = ("C:maj", "F:maj", "G:maj")
    key, with_silence = key_of(*chords), key_of("N", *chords, "N", "N")
    assert with_silence.label == key.label
    assert with_silence.probability == pytest.approx(key.probability)


def test_what_the_model_doubts_counts_for_less() -> None:
    sure = find_key(song("C:maj", "F:maj", "G:maj"), LABELS)
    unsure = find_key(song("C:maj", "F:maj", "G:maj", sure=0.4), LABELS)
    assert sure is not None
    assert unsure is not None
    assert unsure.probability < sure.probability


@pytest.mark.parametrize(
    "chords", [("N",), ("C:maj",), ("C:maj", "C:7", "C:min"), ("C:maj", "G:maj", "N", "D:sus4")]
)
def test_less_than_three_roots_are_no_song(chords: tuple[str, ...]) -> None:
    assert find_key(song(*chords), LABELS) is None


def test_labels_that_are_no_chords_have_no_key() -> None:
    assert find_key(song("C:maj", "F:maj", "G:maj"), None) is None
    assert find_key(song("C:maj", "F:maj", "G:maj"), ["verse"] * len(LABELS)) is None


@pytest.mark.parametrize(
    ("label", "chord"),
    [
        ("C:maj", Chord(0, "major")),
        ("Db:min7", Chord(1, "minor")),
        ("F#:7", Chord(6, "dominant")),
        ("Cb:hdim7", Chord(11, "diminished")),
        ("C:maj/3", Chord(0, "major")),
        ("C:sus2", None),
        ("N", None),
        ("H:maj", None),
        ("rock", None),
    ],
)
def test_labels_are_read_in_hartes_notation(label: str, chord: Chord | None) -> None:
    assert parse_chord(label) == chord
