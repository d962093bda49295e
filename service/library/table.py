"""Write the table: Parquet, CSV or JSON Lines by the ending of its name."""

import csv
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from service.files import written_whole
from service.library.columns import Column
from service.library.problems import LibraryError
from service.library.state import Row

ROWS_AT_ONCE = 1000
_PROBABILITY = ("probability", pa.float64())
_SEGMENT = [
    ("start_s", pa.float64()),
    ("end_s", pa.float64()),
    ("label", pa.string()),
    ("confidence", pa.float64()),
    ("probabilities", pa.list_(pa.struct([("label", pa.string()), _PROBABILITY]))),
]
_BASS = ("bass", pa.struct([("note", pa.string()), ("degree", pa.string()), _PROBABILITY]))
_ARROW = {
    "text": pa.string(),
    "truth": pa.bool_(),
    "whole": pa.int64(),
    "number": pa.float64(),
    "time": pa.timestamp("us", "UTC"),
    "texts": pa.list_(pa.string()),
    "numbers": pa.list_(pa.float32()),
    "shares": pa.list_(pa.struct([("label", pa.string()), ("share", pa.float64())])),
    "segments": pa.list_(pa.struct(_SEGMENT)),
    "chords": pa.list_(pa.struct([*_SEGMENT, _BASS])),
}

Record = dict[str, Any]
Write = Callable[[list[Record]], object]


def write_table(path: Path, columns: list[Column], rows: Iterable[Row]) -> None:
    """Write the table, so that at any time there is the old one or the new one whole.

    Raises
    ------
    LibraryError
        It cannot be written.
    """
    hidden = path.with_name(f".{path.name}.part")  # the same whenever it is begun anew
    waiting = iter(rows)
    try:
        with written_whole(path, hidden) as beside, _format_of(path)(beside, columns) as write:
            while page := list(itertools.islice(waiting, ROWS_AT_ONCE)):
                write([{column.name: column.of(row) for column in columns} for row in page])
    except OSError as error:
        raise LibraryError(f"{path} cannot be written: {error.strerror or error}.") from error


def check_ending(path: Path) -> None:
    """Raise a ``LibraryError`` if a table of that name cannot be written."""
    _format_of(path)


def _format_of(path: Path) -> Any:
    ending = path.suffix.lower()
    if ending not in _FORMATS:
        known = ", ".join(_FORMATS)
        raise LibraryError(f"{path} has the ending {ending or '(none)'}; write one of {known}.")
    return _FORMATS[ending]


@contextmanager
def _parquet(path: Path, columns: list[Column]) -> Iterator[Write]:
    schema = pa.schema([(column.name, _ARROW[column.kind]) for column in columns])
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        yield lambda records: writer.write_table(pa.Table.from_pylist(records, schema))


@contextmanager
def _csv(path: Path, columns: list[Column]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([column.name for column in columns])
        yield lambda records: writer.writerows(map(_cell, record.values()) for record in records)


@contextmanager
def _json_lines(path: Path, _columns: list[Column]) -> Iterator[Write]:
    with path.open("w", encoding="utf-8") as file:
        yield lambda records: file.writelines(
            json.dumps(record, ensure_ascii=False, default=datetime.isoformat) + "\n"
            for record in records
        )


_FORMATS = {".parquet": _parquet, ".csv": _csv, ".jsonl": _json_lines}


def _cell(value: Any) -> Any:
    """Return what a spreadsheet shows, with lists as JSON."""
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, datetime) else value
