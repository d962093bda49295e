"""The file behind a library's state: one command at a time, in parts that are kept whole."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

from service.library import statements
from service.library.problems import LibraryError

Rows = list[tuple[Any, ...]]

PRIMARY_CODE = 0xFF  # of an error; the other bits tell what kind of it

# By what is wrong with it when it is opened. With --fresh, what is no database would be lost.
_MENDS = {
    sqlite3.SQLITE_BUSY: "Wait for the command that works with it",
    sqlite3.SQLITE_CORRUPT: "Begin anew with --fresh",
    sqlite3.SQLITE_NOTADB: "Remove it if nobody needs it",
}

# As long as a command that has done its work may take to end.
BUSY_S = 1.0


class Database:
    """An SQLite database that nobody else may work with until it is closed.

    Parameters
    ----------
    path
        Its file, made with its tables if there is none.

    Raises
    ------
    LibraryError
        The file is no such database, or another command works with it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self._connection = _opened(path)
        except sqlite3.DatabaseError as error:
            mend = _MENDS.get(error.sqlite_errorcode & PRIMARY_CODE, "See to that")
            raise LibraryError(
                f"{path} cannot be used ({error}). {mend}, or name another place with --state."
            ) from error

    def close(self) -> None:
        """Close it; everything that was kept stays."""
        self._connection.close()

    def execute(self, statement: str, **values: object) -> Rows:
        """Return what a statement finds.

        Raises
        ------
        LibraryError
            The disk is full or broken, or the file is damaged.
        """
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            raise LibraryError(
                f"{self._path} cannot be used any more ({error}). What was answered until then is "
                "kept; once that is mended, the same command goes on."
            ) from error
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & PRIMARY_CODE != sqlite3.SQLITE_CORRUPT:
                raise
            raise LibraryError(
                f"{self._path} is damaged ({error}). Begin anew with --fresh, or name another "
                "place with --state."
            ) from error

    @contextmanager
    def part(self) -> Iterator[None]:
        """Keep all that the block does, or nothing of it."""
        self.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # a full disk has ended it
                self.execute("ROLLBACK")
            raise


def forget(path: Path) -> None:
    """Remove a database, if there is one, whatever is wrong with it.

    Raises
    ------
    LibraryError
        Another command works with it, or it may not be removed.
    """
    try:
        _opened(path).close()
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            raise LibraryError(f"Another command works with {path}; wait for it.") from error
    for suffix in ("", "-wal", "-shm"):
        try:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        except OSError as error:
            raise LibraryError(f"{path} cannot be removed: {error.strerror}.") from error


def _opened(path: Path) -> sqlite3.Connection:
    with ExitStack() as unless_it_works:
        connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
        database = unless_it_works.enter_context(closing(connection))
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("BEGIN IMMEDIATE")
        for statement in statements.TABLES.split(";"):
            database.execute(statement)
        database.execute("COMMIT")
        unless_it_works.pop_all()
    return database
