"""What the command is to classify: files, folders, patterns, playlists, manifests and URLs."""

import csv
import glob
import itertools
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from service.audio.files import audio_files, irregular, is_audio_name
from service.library.problems import LibraryError

PLAYLISTS = (".m3u", ".m3u8")
MANIFESTS = (".csv", ".parquet")
FILE_COLUMN = "file"
MANIFEST_ROWS = 1024


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
        yield from _list_one(path)


def is_url(file: str) -> bool:
    """Tell whether a file is named by a URL instead of a path."""
    return "://" in file


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
    found = sorted(Path(match) for match in glob.iglob(pattern, recursive=True))  # noqa: PTH207
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
            entry = unquote(urlsplit(entry).path)
        elif "\\" in entry and not (path.parent / entry).exists():
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
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{path} is no CSV in UTF-8: {error}.") from error


def _parquet_column(path: Path) -> Iterator[str]:
    import pyarrow  # noqa: PLC0415  # takes a third of a second, and few lists need it
    from pyarrow import parquet  # noqa: PLC0415

    try:
        with parquet.ParquetFile(path) as file:
            if FILE_COLUMN not in file.schema_arrow.names:
                raise _no_column(path, file.schema_arrow.names)
            for batch in file.iter_batches(MANIFEST_ROWS, columns=[FILE_COLUMN]):
                yield from (name for name in batch.column(0).to_pylist() if name)
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
    except OSError as error:
        return _faulty(str(path), root, error)
    if fault := irregular(state.st_mode):
        return _faulty(str(path), root, fault)
    return Listed(str(path), _relative(path, root), state.st_size, state.st_mtime_ns)


def _faulty(file: str, root: Path, error: OSError) -> Listed:
    return Listed(file, _relative(Path(file), root), fault=error.strerror or str(error))


def _relative(path: Path, root: Path) -> str:
    relative = os.path.relpath(path, root)
    # What a list names elsewhere keeps the whole way to it.
    outside = relative.startswith(os.pardir)
    return str(Path(path).absolute()).lstrip(os.sep) if outside else relative


def _below_url(url: str) -> Iterator[Listed]:
    system, root = _file_system(url)
    try:
        found: dict[str, dict[str, Any]] = system.find(root, detail=True)
    except OSError as error:
        raise LibraryError(f"{url} cannot be read: {error}.") from error
    names = [name for name in sorted(found) if is_audio_name(name) or name == root]
    if not names:
        raise LibraryError(f"{url} holds no audio files.")
    for name in names:
        relative = name[len(root) :].lstrip("/") or name.rpartition("/")[2]
        yield _described(system.unstrip_protocol(name), relative, found[name])


def _remote(url: str) -> Listed:
    system, path = _file_system(url)
    relative = path.lstrip("/")
    try:
        return _described(url, relative, system.info(path))
    except OSError as error:
        return Listed(url, relative, fault=error.strerror or str(error))


def _described(url: str, relative: str, details: dict[str, Any]) -> Listed:
    modified = next(
        (details[name] for name in ("mtime", "LastModified", "last_modified") if name in details), 0
    )
    seconds = modified.timestamp() if hasattr(modified, "timestamp") else float(modified)
    return Listed(url, relative, int(details.get("size") or 0), round(1e9 * seconds))


def _file_system(url: str) -> tuple[Any, str]:
    import fsspec  # noqa: PLC0415  # only URLs need it

    try:
        system, path = fsspec.core.url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise LibraryError(f"{url} cannot be opened: {error}") from error
    return system, path
