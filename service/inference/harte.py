"""Read chords in Harte's notation (Harte et al., ISMIR 2005), such as ``F#:min7``."""

# Spelled as the labels of chords are.
NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")

_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTALS = {"": 0, "#": 1, "b": -1}


def root_and_quality(label: str) -> tuple[int, str] | None:
    """Return the pitch class of a chord's root and its quality; None for what is no chord.

    A bass that the label names is left out.
    """
    root, _, quality = label.partition(":")
    if root[:1] not in _NATURALS or root[1:] not in _ACCIDENTALS:
        return None
    pitch_class = (_NATURALS[root[0]] + _ACCIDENTALS[root[1:]]) % len(NOTES)
    return pitch_class, quality.partition("/")[0]
