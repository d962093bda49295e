import pytest

from training.data.harte import nearest_chord
from training.data.labels import CHORDS


@pytest.mark.parametrize(
    ("harte", "label"),
    [("C:maj6", "C6"), ("D:hdim7/b3", "Dm7b5"), ("Gb:min/5", "F#m"), ("N", "N"),
     ("A:sus4(b7)", "Asus4"), ("E:minmaj7", "Em"), ("B:9", "B7"), ("F:maj(9)", "F")],
)  # fmt: skip
def test_chords_that_the_vocabulary_lacks_count_as_the_nearest(harte: str, label: str) -> None:
    assert CHORDS[nearest_chord(harte)] == label


def test_a_chord_can_be_moved() -> None:
    assert CHORDS[nearest_chord("B:sus2", 2)] == "C#sus2"
