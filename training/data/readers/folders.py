"""Readers for data sets whose folders are the labels."""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

from service.audio.files import audio_files
from training.data.labels import canonical_label, one_spelling
from training.data.readers.clips import (
    FILE_GROUP,
    AudioFile,
    LabelledClip,
    SpectrogramImage,
    warn_of_left_out,
)

_GTZAN_NAME = re.compile(r"^([a-z]+)\.?(\d{5})$")
_CHORD_SPLITS = {"Training": "train", "Test": "test"}
# guitar-chords-v3 names its files after chord and player: Am_Classic_Jo_1.wav.
_RUNNING_NUMBER = re.compile(r"[\W_]*\d+$")


def read_gtzan_audio(folder: Path) -> list[LabelledClip]:
    """Read ``<genre>/<genre>.NNNNN.wav`` with the fault-filtered lists as splits.

    The lists (Kereliuk, Sturm and Larsen 2015) put no artist on both sides, apart from
    two that they missed; clips on none of them are ``faulty``.
    """
    return [
        LabelledClip(AudioFile(path), genre, "gtzan", f"gtzan:{name}", gtzan_split(name))
        for path, genre, name in _gtzan_files(folder, "*.wav")
    ]


def read_gtzan_images(folder: Path) -> list[LabelledClip]:
    """Read ``<genre>/<genre>NNNNN.png`` with the same splits as the audio."""
    return [
        LabelledClip(SpectrogramImage(path), genre, "gtzan", f"gtzan:{name}", gtzan_split(name))
        for path, genre, name in _gtzan_files(folder, "*.png")
    ]


def gtzan_split(name: str) -> str:
    """Return ``train``, ``valid`` or ``test`` of a clip such as ``blues.00012``, or ``faulty``."""
    return _gtzan_splits().get(name, "faulty")


def is_chord_folder(path: Path) -> bool:
    """Tell whether a folder looks like guitar-chords-v3."""
    return any((path / name).is_dir() for name in _CHORD_SPLITS)


def read_chord_folder(folder: Path) -> list[LabelledClip]:
    """Read ``Training|Test/<chord>/*.wav``; the player in a file's name is the group."""
    clips = []
    for split_name, split in _CHORD_SPLITS.items():
        for path in sorted((folder / split_name).glob("*/*.wav")):
            label = canonical_label("chord", path.parent.name)
            if label is not None:
                take = path.stem.removeprefix(f"{path.parent.name}_")
                player = _RUNNING_NUMBER.sub("", take) or path.stem
                group = f"guitar-chords-v3-{split_name.lower()}:{player}"
                clips.append(LabelledClip(AudioFile(path), label, "guitar-chords-v3", group, split))
    return clips


def read_label_folders(folder: Path, task: str, *, as_written: bool = False) -> list[LabelledClip]:
    """Read ``<label>/*`` and ``<label>/<group>/*``: each folder is a label, one in it a group.

    Folders whose name is not of the task's vocabulary are left out and counted in the log, where
    others are of it; with ``as_written``, every name is a label.
    """
    clips = []
    unknown: Counter[str] = Counter()
    for path in audio_files(folder):
        file = path.relative_to(folder)
        if len(file.parts) == 1:
            continue
        label = canonical_label(task, file.parts[0], as_written=as_written)
        if label is None:
            unknown[file.parts[0]] += 1
        else:
            grouped = len(file.parts) > 2
            group = one_spelling(file.parts[1]) if grouped else f"{FILE_GROUP}{file}"
            clips.append(LabelledClip(AudioFile(path), label, folder.resolve().name, group))
    if clips and unknown:
        warn_of_left_out(folder, task, unknown)
    return clips


def _gtzan_files(folder: Path, pattern: str) -> Iterator[tuple[Path, str, str]]:
    for path in sorted(folder.glob(f"*/{pattern}")):
        match = _GTZAN_NAME.match(path.stem)
        genre = canonical_label("genre", path.parent.name)
        if match and genre is not None:
            yield path, genre, f"{match[1]}.{match[2]}"


@cache
def _gtzan_splits() -> dict[str, str]:
    lists = files("training.data").joinpath("gtzan_lists")
    return {
        Path(line).stem: split
        for split in ("train", "valid", "test")
        for line in lists.joinpath(f"{split}_filtered.txt").read_text("utf-8").split()
    }
