"""The vocabularies of the tasks, in the order of the networks' outputs."""

import re
import unicodedata
from collections.abc import Sequence

from service.inference.harte import NOTES

GENRES = (
    "blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock",
)  # fmt: skip
EMOTIONS = ("happy", "sad")

ROOTS = NOTES
NO_CHORD = "N"
# Each quality as guitarists write it after the root, and in Harte's notation.
_SUFFIX = {
    "maj": "", "min": "m", "dim": "dim", "7": "7", "maj7": "maj7", "m7": "m7",
    "sus2": "sus2", "sus4": "sus4", "aug": "aug", "m7b5": "m7b5", "dim7": "dim7", "6": "6",
    "m6": "m6",
}  # fmt: skip
_HARTE = {
    "maj": "maj", "min": "min", "dim": "dim", "7": "7", "maj7": "maj7", "m7": "min7",
    "sus2": "sus2", "sus4": "sus4", "aug": "aug", "m7b5": "hdim7", "dim7": "dim7", "6": "maj6",
    "m6": "min6",
}  # fmt: skip
QUALITIES = tuple(_SUFFIX)
INTERVALS = {  # semitones above the root
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "sus2": (0, 2, 7),
    "sus4": (0, 5, 7),
    "aug": (0, 4, 8),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "6": (0, 4, 7, 9),
    "m6": (0, 3, 7, 9),
}

CHORDS = (*(root + _SUFFIX[quality] for root in ROOTS for quality in QUALITIES), NO_CHORD)

TASKS = {"genre": GENRES, "chord": CHORDS, "emotion": EMOTIONS}

UNLABELLED = -1
"""Stands for the index of a label that is unknown."""
OUTSIDE = -2
"""Stands for the index of a label where a clip has none of the task's."""

_ENHARMONIC = {
    "Db": "C#", "D#": "Eb", "Gb": "F#", "G#": "Ab", "A#": "Bb",
    "Cb": "B", "B#": "C", "Fb": "E", "E#": "F",
}  # fmt: skip
_CHORD = re.compile(r"^([A-G][#b]?):?(.*)$")
# Ninths are heard as the sevenths that they are built on.
_QUALITY_WORDS = {
    "": "maj", "maj": "maj", "M": "maj", "major": "maj",
    "m": "min", "min": "min", "minor": "min", "-": "min",
    "dim": "dim", "o": "dim", "7": "7", "dom7": "7", "9": "7",
    "maj7": "maj7", "M7": "maj7", "maj9": "maj7", "M9": "maj7",
    "m7": "m7", "min7": "m7", "m9": "m7", "min9": "m7",
    "sus2": "sus2", "sus4": "sus4", "sus": "sus4", "aug": "aug", "+": "aug",
    "m7b5": "m7b5", "min7b5": "m7b5", "hdim7": "m7b5", "hdim": "m7b5",
    "dim7": "dim7", "o7": "dim7", "6": "6", "maj6": "6", "M6": "6", "m6": "m6", "min6": "m6",
}  # fmt: skip
_NO_CHORD_WORDS = {"none", "noise", "silence", "no chord"}
_GENRE_WORDS = {"hip-hop": "hiphop", "hip hop": "hiphop", "rap": "hiphop"}
_NAMED = 12


def one_spelling(words: str) -> str:
    """Return words that look the same as the same: accents composed, single spaces between.

    Names of folders that macOS made have their accents apart from the letters.
    """
    return unicodedata.normalize("NFC", " ".join(words.split()))


def canonical_label(task: str, word: str, *, as_written: bool = False) -> str | None:
    """Return a label as the task spells it, or None if it is not of its vocabulary.

    Chords are read as guitarists write them (``F#m``, ``Gbmin``) and in Harte's
    notation (``Gb:min``). A task without a vocabulary takes each word as it is written,
    in :func:`one_spelling`.

    Parameters
    ----------
    task
        What the label is of.
    word
        What the data say.
    as_written
        Whether to take the word as it is for every task.
    """
    word = one_spelling(word)
    if as_written or task not in TASKS:
        return word or None
    if task == "chord":
        return _canonical_chord(word)
    word = word.lower()
    word = _GENRE_WORDS.get(word, word)
    return word if word in TASKS[task] else None


def some_of(labels: Sequence[str]) -> str:
    """Name labels in a message: the first ones, and how many more there are."""
    more = f" and {len(labels) - _NAMED} more" if len(labels) > _NAMED else ""
    return ", ".join(labels[:_NAMED]) + more


def chord_label(root: int, quality: str) -> str:
    """Return the label of a chord; ``root`` is a pitch class, 0 = C."""
    return ROOTS[root % 12] + _SUFFIX[quality]


def harte_label(label: str) -> str:
    """Return a chord of the vocabulary in Harte's notation, such as ``F#:min``."""
    if label == NO_CHORD:
        return NO_CHORD
    root, quality = divmod(CHORDS.index(label), len(QUALITIES))
    return f"{ROOTS[root]}:{_HARTE[QUALITIES[quality]]}"


def _canonical_chord(word: str) -> str | None:
    if word == NO_CHORD or word.lower() in _NO_CHORD_WORDS:
        return NO_CHORD
    match = _CHORD.match(word)
    if match is None or match[2] not in _QUALITY_WORDS:
        return None
    root = _ENHARMONIC.get(match[1], match[1])
    return root + _SUFFIX[_QUALITY_WORDS[match[2]]]
