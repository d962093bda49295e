"""Write answers into the tags of the files themselves: genre, mood and energy.

Only ever on request, and never over what somebody else wrote unless that is asked for too. A file
is copied, the copy is tagged and put in its place, so that a file is never half written.
"""

import shutil
import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
from mutagen.asf import ASF
from mutagen.id3 import ID3, TCON, TMOO, TXXX
from mutagen.mp4 import MP4, MP4FreeForm

from service.audio.files import SHADOW_PREFIX
from service.library.listing import is_url
from service.library.state import Row

GENRE, MOOD, ENERGY = "genre", "mood", "energy"
_MP4_OWN = "----:com.apple.iTunes:"
_KEEPS_NONE = "keeps no tags: the length of its sound is not told, or not true."

Tags = dict[str, list[str]]


class Untaggable(Exception):
    """The tags of a file cannot be written; the message says why."""


@dataclass(frozen=True)
class TagRules:
    """What may be written.

    Attributes
    ----------
    genres
        So many at most.
    min_confidence
        Nothing that is less probable.
    overwrite
        Whether to write over tags that are there.
    """

    genres: int = 1
    min_confidence: float = 0.7
    overwrite: bool = False


def tags_of(row: Row, rules: TagRules) -> Tags:
    """Return the tags that a file's answers allow; none for answers that are uncertain."""
    if row.answers is None:
        return {}
    tags: Tags = {}
    results = row.answers.results
    genre, emotion = results.get("genre"), results.get("emotion")
    if genre is not None and not genre.uncertain:
        probable = [g for g, p in genre.probabilities.items() if p >= rules.min_confidence]
        if probable:
            tags[GENRE] = probable[: rules.genres]
    if emotion is not None and not emotion.uncertain:
        if emotion.confidence >= rules.min_confidence:
            tags[MOOD] = [emotion.label]
        if ENERGY in (emotion.ratings or {}):
            tags[ENERGY] = [f"{(emotion.ratings or {})[ENERGY]:g}"]
    return tags


def missing_tags(file: str, tags: Tags, rules: TagRules) -> Tags:
    """Return those tags that would be written to a file.

    Raises
    ------
    Untaggable
        Its format has no tags, or it is no file of this machine.
    """
    there = _Tagged.open(file)
    if rules.overwrite:
        return {name: values for name, values in tags.items() if there.get(name) != values}
    return {name: values for name, values in tags.items() if not there.get(name)}


def write_tags(file: str, tags: Tags) -> Path:
    """Write tags to a file and return it, with all links followed.

    Raises
    ------
    Untaggable
        It cannot be written.
    """
    path = Path(file).resolve()
    # Should it be left behind, no list takes it for a file of the library.
    beside = path.with_name(f"{SHADOW_PREFIX}tagging-{path.name}")
    try:
        shutil.copy2(path, beside)
        tagged = _Tagged.open(str(beside))
        for name, values in tags.items():
            tagged.set(name, values)
        tagged.save()
        # Behind sound whose length the file does not tell, a tag is heard and not found again.
        if missing_tags(str(beside), tags, TagRules(overwrite=True)):
            raise Untaggable(f"{file} {_KEEPS_NONE}")
        beside.replace(path)
    except struct.error as error:  # of a length that is not known, written as the largest number
        raise Untaggable(f"{file} {_KEEPS_NONE}") from error
    except (OSError, mutagen.MutagenError) as error:
        raise Untaggable(f"{file} cannot be written: {error}") from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    return path


class _Tagged:
    """The tags of a file, by one set of names whatever the format calls them."""

    def __init__(self, opened: Any) -> None:
        self._opened = opened
        if opened.tags is None:
            opened.add_tags()
        self._tags = opened.tags

    @classmethod
    def open(cls, file: str) -> "_Tagged":
        if is_url(file):
            raise Untaggable(f"{file} is no file of this machine.")
        try:
            if (opened := mutagen.File(file)) is not None:
                return cls(opened)
        except (OSError, mutagen.MutagenError) as error:
            raise Untaggable(f"{file} has no tags that can be read: {error}") from error
        raise Untaggable(f"{file} has a format without tags.")

    def get(self, name: str) -> list[str]:
        """Return the values of a tag."""
        if isinstance(self._tags, ID3):
            return [str(text) for frame in self._frames(name) for text in frame.text if str(text)]
        if isinstance(self._opened, MP4):
            found = self._tags.get(_mp4_name(name), [])
            return [v.decode() if isinstance(v, bytes) else str(v) for v in found]
        if isinstance(self._opened, ASF):
            return [str(value) for value in self._tags.get(_ASF[name], [])]
        return [value for value in self._tags.get(name, []) if value]

    def set(self, name: str, values: list[str]) -> None:
        """Replace the values of a tag."""
        if isinstance(self._tags, ID3):
            self._tags.delall(_ID3[name][0])
            self._tags.add(_ID3[name][1](values))
        elif isinstance(self._opened, MP4):
            own = _mp4_name(name).startswith(_MP4_OWN)
            self._tags[_mp4_name(name)] = [MP4FreeForm(v.encode()) if own else v for v in values]
        else:
            self._tags[_ASF[name] if isinstance(self._opened, ASF) else name] = values

    def save(self) -> None:
        """Write all tags back."""
        self._opened.save()

    def _frames(self, name: str) -> Iterable[Any]:
        frames: Iterable[Any] = self._tags.getall(_ID3[name][0])
        return frames


_ID3: Mapping[str, tuple[str, Callable[[list[str]], Any]]] = {
    GENRE: ("TCON", lambda values: TCON(encoding=3, text=values)),
    MOOD: ("TMOO", lambda values: TMOO(encoding=3, text=values)),
    ENERGY: ("TXXX:ENERGY", lambda values: TXXX(encoding=3, desc="ENERGY", text=values)),
}

_ASF = {GENRE: "WM/Genre", MOOD: "WM/Mood", ENERGY: "ENERGY"}


def _mp4_name(name: str) -> str:
    return "\xa9gen" if name == GENRE else f"{_MP4_OWN}{name.upper()}"
