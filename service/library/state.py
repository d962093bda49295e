"""What is known of a library so far, in a file that outlives the command.

An SQLite database beside the table. Answers belong to contents, not to files: files with the same
SHA-256 share one. They are committed in parts, so that a command that is killed loses the last
seconds of its work and nothing else.
"""

import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from os import fsdecode, fsencode
from pathlib import Path
from typing import Any

from service.library import statements
from service.library.database import Database, Rows
from service.library.listing import Listed
from service.library.problems import LibraryError, UnreadableFile
from service.library.question import (
    Models,
    Outcome,
    Question,
    TaskModel,
    who_answered,
    with_old_labels,
)
from service.schemas import AllAnswers

PART_ROWS = 64
PART_S = 2.0
PAGE_ROWS = 1000


@dataclass(frozen=True)
class Row:
    """One file of the run with what is known of it."""

    file: str
    relative: str
    size_bytes: int
    modified_ns: int
    sha256: str | None
    slug: str | None
    detail: str | None
    answers: AllAnswers | None


@dataclass(frozen=True)
class Counts:
    """How many files of the run are what; ``contents`` counts different ones."""

    files: int
    answered: int
    problems: int
    contents: int
    changed: int
    by_other_models: int


class State:
    """The state of one table in a :class:`Database`; use it in ``contextlib.closing``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._run = 0
        with ExitStack() as unless_it_works:
            self._database = unless_it_works.enter_context(closing(Database(path)))
            self._run = int(self._about("run") or 0)
            unless_it_works.pop_all()

    def close(self) -> None:
        """Close the database; everything that was kept stays."""
        self._database.close()

    def begin(self, question: Question, models: Models) -> Models:
        """Begin a run; return the models with all labels that answers in the table may have.

        Raises
        ------
        LibraryError
            The answers that are there were given to another question.
        """
        asked = self._about("question")
        if (
            asked
            and not Question.model_validate_json(asked).is_answered_alike(question)
            and self._execute(statements.ANY_ANSWERED)
        ):
            raise LibraryError(
                f"{self._path} holds answers to another question ({asked}). Ask the same again, "
                "write another table, or forget them with --fresh."
            )
        known = with_old_labels(models, self._models())
        self._run += 1
        with self._database.part():
            self._note("question", question.model_dump_json())
            self._note("run", str(self._run))
            for task, model in known.items():
                self._note(f"model {task}", model.model_dump_json())
        return known

    def list(self, files: Iterable[Listed], on_listed: Callable[[], object]) -> None:
        """Take down which files the run is about, in their order; each counts once."""
        with self._database.part():
            for position, listed in enumerate(files):
                self._execute(
                    statements.LIST,
                    file=fsencode(listed.file),
                    relative=fsencode(listed.relative),
                    position=position,
                    size=listed.size_bytes,
                    modified=listed.modified_ns,
                    slug=UnreadableFile.slug() if listed.fault else None,
                    detail=listed.fault,
                )
                on_listed()

    def redo_changed(self) -> None:
        """Forget what is known of files that have changed since, but for their number."""
        with self._database.part():
            self._execute(statements.REDO_CHANGED)

    def redo_problems(self) -> None:
        """Forget the problems that files had."""
        with self._database.part():
            self._execute(statements.REDO_PROBLEMS)

    def unhashed(self) -> tuple[int, Iterator[str]]:
        """Return how many files may have the content of another one, and these files."""
        return self._pending(statements.UNHASHED)

    def unanswered(self, models: str, *, redo_models: bool) -> tuple[int, Iterator[str]]:
        """Return how many files must be classified, and these: one of each content.

        Parameters
        ----------
        models
            Who answers now.
        redo_models
            Whether what others have answered is done again.
        """
        return self._pending(statements.UNANSWERED, models=models, redo_models=redo_models)

    def keep(self, outcomes: Iterable[Outcome], on_kept: Callable[[Outcome], object]) -> None:
        """Take down outcomes as they come, and commit them in parts."""
        waiting: list[Outcome] = []
        since_s = time.monotonic()
        try:
            for outcome in outcomes:
                waiting.append(outcome)
                if len(waiting) >= PART_ROWS or time.monotonic() - since_s > PART_S:
                    self._commit(waiting)
                    waiting, since_s = [], time.monotonic()
                on_kept(outcome)
        finally:
            self._commit(waiting)

    def touch(self, file: str, size_bytes: int, modified_ns: int) -> None:
        """Note that a file is as it is because the command itself wrote to it."""
        self._execute(
            statements.TOUCH,
            file=fsencode(file),
            size=size_bytes,
            modified=modified_ns,
        )

    def rows(self) -> Iterator[Row]:
        """Yield the files of the run in their order, a page in memory at a time."""
        position = -1
        while page := self._execute(
            statements.ROWS,
            after=position,
            count=PAGE_ROWS,
        ):
            for file, relative, size, modified, sha256, slug, detail, packed, _ in page:
                answers = _unpack(packed) if packed is not None and slug is None else None
                names = (fsdecode(file), fsdecode(relative))
                yield Row(*names, size, modified, sha256, slug, detail, answers)
            position = page[-1][-1]

    def shares_stem(self, relative: str) -> bool:
        """Tell whether another file of the run differs from this one in its ending only."""
        stem = fsencode(relative.removesuffix(Path(relative).suffix))
        ((count,),) = self._execute(
            statements.COUNT_STEM,
            first=stem + b".",
            last=stem + b"/",  # the character after the dot
            rest=len(stem) + 2,
        )
        return int(count) > 1

    def shares_name(self, relative: str) -> bool:
        """Tell whether another file of the run has the same path below another folder."""
        ((count,),) = self._execute(statements.COUNT_NAME, relative=fsencode(relative))
        return int(count) > 1

    def counts(self, models: str) -> Counts:
        """Count the files of the run, and those that other models than these answered for."""
        (row,) = self._execute(statements.COUNT, models=models)
        return Counts(*row)

    def _commit(self, outcomes: Iterable[Outcome]) -> None:
        with self._database.part():
            for outcome in outcomes:
                self._take_down(outcome)

    def _take_down(self, outcome: Outcome) -> None:
        file = fsencode(outcome.file)
        self._execute(
            statements.TAKE_DOWN,
            file=file,
            sha256=outcome.sha256,
            slug=outcome.slug,
            detail=outcome.detail,
        )
        if outcome.answers is not None:
            self._execute(
                statements.ANSWER,
                sha256=outcome.sha256,
                models=who_answered(outcome.answers),
                answers=_pack(outcome.answers),
            )

    def _pending(self, query: str, **values: object) -> tuple[int, Iterator[str]]:
        # Written down first, because the rows that it chooses by change while they are read.
        for statement in statements.PENDING.split(";"):
            self._execute(statement)
        self._execute(query, **values)
        ((count,),) = self._execute("SELECT COUNT(*) FROM pending")
        return count, self._pages()

    def _pages(self) -> Iterator[str]:
        last = 0
        while page := self._execute(
            statements.PENDING_PAGE,
            last=last,
            count=PAGE_ROWS,
        ):
            yield from (fsdecode(file) for _, file in page)
            last = page[-1][0]

    def _models(self) -> Models:
        rows = self._execute("SELECT name, value FROM about WHERE name LIKE 'model %'")
        return {
            name.removeprefix("model "): TaskModel.model_validate_json(value)
            for name, value in rows
        }

    def _about(self, name: str) -> str | None:
        rows = self._execute("SELECT value FROM about WHERE name = :name", name=name)
        return str(rows[0][0]) if rows else None

    def _note(self, name: str, value: str) -> None:
        self._execute("INSERT OR REPLACE INTO about VALUES (:name, :value)", name=name, value=value)

    def _execute(self, statement: str, **values: Any) -> Rows:
        return self._database.execute(statement, **{"run": self._run, **values})


def _pack(answers: AllAnswers) -> bytes:
    return zlib.compress(answers.model_dump_json(exclude_none=True).encode(), level=1)


def _unpack(packed: bytes) -> AllAnswers:
    return AllAnswers.model_validate_json(zlib.decompress(packed))
