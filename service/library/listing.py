"""What the command is to classify: files, folders, patterns, playlists, manifests and URLs."""

import csv
import glob
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from service.audio.files import audio_files, irregular, is_audio_name
from service.library.patterns import matches
from service.library.problems import LibraryError

PLAYLISTS = (".m3u", ".m3u8")
MANIFESTS = (".csv", ".parquet")
FILE_COLUMN = "file"
MANIFEST_ROWS = 1024
# What the state and the table hold of a time, which reaches to the year 2262.
LATEST_NS = 2**63 - 1


@dataclass(frozen=True)
class Listed:
    """One file to classify.

    Attributes
    ----------
    file
        Its path or URL.
    relative
        Its path below the folder that was named, for what is written about it elsewhere.
    size_bytes, modified_ns
        How large and when last written, as far as its file system tells; 0 if it does not.
    fault
        Why it cannot be read, if that is known already.
    """

    file: str
    relative: str
    size_bytes: int = 0
    modified_ns: int = 0
    fault: str | None = None


def list_files(paths: Iterable[str]) -> Iterator[Listed]:
    """Yield every file that the paths name, in their order; see the module.

    Raises
    ------
    LibraryError
        A path names nothing, or a list cannot be read.
    """
    for path in paths:
        try:
            yield from _list_one(path)
        except OSError as error:
            raise LibraryError(f"{path} cannot be read: {error.strerror or error}.") from error


def is_url(file: str) -> bool:
    """Tell whether a file is named by a URL instead of a path."""
    return "://" in file


def whole_way(file: str) -> str:
    """Return the whole path of a file, for a place below another folder."""
    if is_url(file):
        return file.replace("://", "/", 1)
    return os.path.abspath(file).lstrip(os.sep)  # noqa: PTH100  # which leaves .. in


def _list_one(path: str) -> Iterator[Listed]:
    local = Path(path)
    if is_url(path):
        yield from _below_url(path)
    elif local.is_dir():
        yield from _below(local, local)
    elif local.suffix.lower() in PLAYLISTS:
        yield from _named(local, _playlist(local))
    elif local.suffix.lower() in MANIFESTS:
        yield from _named(local, _manifest(local))
    elif local.exists():
        yield _local(local, local.parent)
    elif glob.has_magic(path):
        yield from _matching(path)
    else:
        raise LibraryError(f"{path} does not exist.")


def _below(folder: Path, root: Path) -> Iterator[Listed]:
    faults: list[Listed] = []
    for file in audio_files(
        folder, lambda place, error: faults.append(_faulty(str(place), root, error))
    ):
        yield from faults
        faults.clear()
        yield _local(file, root)
    yield from faults


def _matching(pattern: str) -> Iterator[Listed]:
    root = Path(*itertools.takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts))
    found = sorted(set(matches(pattern)))
    if not found:
        raise LibraryError(f"No file matches {pattern}.")
    for path in found:
        if path.is_dir():
            yield from _below(path, root)
        elif is_audio_name(path.name):
            yield _local(path, root)


def _named(listed_in: Path, names: Iterable[str]) -> Iterator[Listed]:
    """Yield the files that a list names, relative to the folder that it lies in."""
    for name in names:
        if is_url(name):
            yield _remote(name)
        else:
            yield _local(listed_in.parent / name, listed_in.parent)


def _playlist(path: Path) -> Iterator[str]:
    data = _read(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp1252", "replace")  # what M3U was written in before M3U8
    for line in text.splitlines():
        entry = line.strip()
        if not entry or entry.startswith("#"):
            continue
        if entry.startswith("file://"):
            entry = unquote("/" + entry.removeprefix("file://").partition("/")[2])  # of any host
        elif "\\" in entry and not os.path.exists(path.parent / entry):  # noqa: PTH110  # any name
            entry = entry.replace("\\", "/")
        yield entry


def _manifest(path: Path) -> Iterator[str]:
    if path.suffix.lower() == ".parquet":
        yield from _parquet_column(path)
        return
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if FILE_COLUMN not in (reader.fieldnames or ()):
                raise _no_column(path, reader.fieldnames or ())
            yield from (row[FILE_COLUMN] for row in reader if row[FILE_COLUMN])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise LibraryError(f"{path} is no CSV in UTF-8: {error}.") from error


def _parquet_column(path: Path) -> Iterator[str]:
    import pyarrow  # noqa: PLC0415  # takes a third of a second, and few lists need it
    from pyarrow import parquet  # noqa: PLC0415

    try:
        with parquet.ParquetFile(path) as file:
            if FILE_COLUMN not in file.schema_arrow.names:
                raise _no_column(path, file.schema_arrow.names)
            for batch in file.iter_batches(MANIFEST_ROWS, columns=[FILE_COLUMN]):
                for name in batch.column(0).to_pylist():
                    if name and not isinstance(name, str):
                        raise LibraryError(f"{path} has {name!r} in {FILE_COLUMN!r}, not a name.")
                    if name:
                        yield name
    except (OSError, pyarrow.ArrowException) as error:
        raise LibraryError(f"{path} is no Parquet file: {error}.") from error


def _no_column(path: Path, names: Iterable[str]) -> LibraryError:
    there = ", ".join(names) or "none"
    return LibraryError(f"{path} has no column {FILE_COLUMN!r}; it has {there}.")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise LibraryError(f"{path} cannot be read: {error.strerror}.") from error


def _local(path: Path, root: Path) -> Listed:
    try:
        state = path.stat()
    except (OSError, ValueError) as error:
        return _faulty(str(path), root, error)
    if fault := irregular(state.st_mode):
        return _faulty(str(path), root, fault)
    modified_ns = min(state.st_mtime_ns, LATEST_NS)
    return Listed(str(path), _relative(path, root), state.st_size, modified_ns)


def _faulty(file: str, root: Path, error: OSError | ValueError) -> Listed:
    return Listed(file, _relative(Path(file), root), fault=_reason(error))


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)


def _relative(path: Path, root: Path) -> str:
    relative = os.path.relpath(path, root)
    # What a list names elsewhere keeps the whole way to it.
    outside = Path(relative).parts[:1] == (os.pardir,)
    return whole_way(str(path)) if outside else relative


def _below_url(url: str) -> Iterator[Listed]:
    system, root = _file_system(url)
    try:
        found: dict[str, dict[str, Any]] = system.find(root, detail=True)
    except Exception as error:  # each file system has errors of its own
        raise LibraryError(f"{url} cannot be read: {error}.") from error
    names = [name for name in sorted(found) if is_audio_name(name) or name == root]
    if not names:
        raise LibraryError(f"{url} holds no audio files.")
    for name in names:
        relative = name[len(root) :].lstrip("/") or name.rpartition("/")[2]
        yield _described(system.unstrip_protocol(name), relative, found[name])


def _remote(url: str) -> Listed:
    try:
        system, path = _file_system(url)
        return _described(url, path.lstrip("/"), system.info(path))
    except Exception as error:  # each file system has errors of its own
        return Listed(url, whole_way(url), fault=_reason(error))


def _described(url: str, relative: str, details: dict[str, Any]) -> Listed:
    modified = next(
        (details[name] for name in ("mtime", "LastModified", "last_modified") if name in details), 0
    )
    try:
        seconds = modified.timestamp() if hasattr(modified, "timestamp") else float(modified)
    except (TypeError, ValueError):  # nothing, or in words
        seconds = 0.0
    modified_ns = min(round(1e9 * seconds), LATEST_NS)
    return Listed(url, relative, int(details.get("size") or 0), modified_ns)


def _file_system(url: str) -> tuple[Any, str]:
    import fsspec  # noqa: PLC0415  # only URLs need it

    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise LibraryError(f"{url} cannot be opened: {error}") from error
    return system, path
