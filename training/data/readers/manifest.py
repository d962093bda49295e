"""Readers for CSV lists of audio files."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from service.audio.files import audio_files
from training.data.labels import canonical_label, one_spelling
from training.data.readers.clips import (
    FILE_GROUP,
    AudioFile,
    LabelledClip,
    known_split,
    warn_of_left_out,
)
from training.errors import TrainingError

EMOTION_LIST = "Train.csv"
_FILE_COLUMNS = ("imageid", "file", "filename", "audio", "songid", "id")
_SEPARATORS = {";": "semicolons", "\t": "tabs"}  # of lists that are not read
_LABEL_COLUMNS = ("class", "label", "emotion", "target")


def read_manifest(path: Path, task: str, *, as_written: bool = False) -> list[LabelledClip]:
    """Read a CSV with a ``file`` column (relative to it) and a column named as the task.

    Rows whose label is not of the task's vocabulary are left out and counted in the log; with
    ``as_written``, every word is a label.
    """
    clips = []
    unknown: Counter[str] = Counter()
    for row in rows(path, ("file", task)):
        label = canonical_label(task, row[task], as_written=as_written)
        if label is None:
            unknown[row[task]] += 1
            continue
        file = row["file"]
        clips.append(
            LabelledClip(
                source=AudioFile(path.parent / file),
                label=label,
                data_set=one_spelling(row.get("dataset", "")) or path.resolve().parent.name,
                # Without a group, a file is the only group that cannot leak into another.
                group=one_spelling(row.get("group", "")) or f"{FILE_GROUP}{file}",
                split=known_split(path, row.get("split", "")),
            )
        )
    if unknown:
        warn_of_left_out(path, task, unknown)
    return clips


def read_emotion_list(path: Path) -> list[LabelledClip]:
    """Read ``Train.csv`` of musical-emotions-classification: an audio file, Happy or Sad.

    The files lie beside the list or in a folder below it. The set names no artist, so
    a file is its own group; the published test half cannot be told from the training
    half by artist and figures on it flatter.
    """
    listed = list(rows(path, ()))
    if not listed:
        raise TrainingError(f"{path} is empty.")
    file_column = _find_column(path, listed[0], _FILE_COLUMNS)
    label_column = _find_column(path, listed[0], _LABEL_COLUMNS)
    found = {p.name: p for p in audio_files(path.parent)}
    clips = []
    for row in listed:
        label = canonical_label("emotion", row[label_column])
        name = Path(row[file_column]).name
        if label is not None:
            audio = found.get(name) or found.get(f"{name}.wav") or path.parent / name
            clips.append(
                LabelledClip(
                    AudioFile(audio), label, "musical-emotions", f"{FILE_GROUP}{name}", "train"
                )
            )
    return clips


def rows(path: Path, required: tuple[str, ...]) -> Iterator[Mapping[str, str]]:
    """Read the rows of a CSV, by column.

    Raises
    ------
    TrainingError
        The file is no CSV in UTF-8, lacks a required column, or has a quote that is left open.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TrainingError(f"{path} is no CSV in UTF-8; save it as such.") from error
    reader = csv.DictReader(io.StringIO(text), restkey="", restval="", skipinitialspace=True)
    columns = list(reader.fieldnames or ())
    missing = [name for name in required if name not in columns]
    for separator, word in _SEPARATORS.items():
        if missing and separator in (columns or [""])[0]:
            raise TrainingError(f"{path} separates its columns by {word}; write commas.")
    if missing:
        present = ", ".join(columns or ["none"])
        raise TrainingError(
            f"{path} has no column {' or '.join(missing)}; it has {present}. "
            f"Name the columns {' and '.join(required)}."
        )
    for row in reader:
        if any("\n" in row[name] for name in required):  # the rows up to the next quote
            raise TrainingError(
                f"{path} has a line break within a value that ends in line {reader.line_num}. Is a "
                "quote left open? Two stand for one within a value."
            )
        yield row


def _find_column(path: Path, row: Mapping[str, str], names: tuple[str, ...]) -> str:
    columns = {column.strip().lower(): column for column in row}
    for name in names:  # the most telling first: a list may number its files as well
        if name in columns:
            return columns[name]
    raise TrainingError(f"{path} has none of the columns {', '.join(names)}.")
