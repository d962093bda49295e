"""One run of the command: list, hash, classify, write; each step goes on where it was stopped."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from service.library.columns import columns
from service.library.engine import Engine
from service.library.labs import LabFolder, lab_task
from service.library.listing import list_files
from service.library.question import Models, Outcome, Question, who_answers
from service.library.state import Counts, State
from service.library.table import write_table

Progress = Callable[[str, int | None], AbstractContextManager[Callable[[], Any]]]
"""Takes a step and how many files it has, if that is known; the context's value is called once
for each file that is done."""


@contextmanager
def no_progress(_step: str, _total: int | None) -> Iterator[Callable[[], Any]]:
    """Show nothing."""
    yield lambda: None


@dataclass(frozen=True)
class Order:
    """What a run is to do.

    Attributes
    ----------
    paths
        What to classify, see :mod:`service.library.listing`.
    out
        The table.
    question
        What the table tells of each file.
    chords
        Folder for ``.lab`` files.
    redo
        Which of ``changed``, ``models`` and ``problems`` to do again.
    """

    paths: tuple[str, ...]
    out: Path
    question: Question
    chords: Path | None = None
    redo: frozenset[str] = field(default=frozenset())

    @property
    def asked(self) -> Question:
        """What is asked about each file: what the table tells, and chords over time for files."""
        if self.chords is None:
            return self.question
        return self.question.model_copy(update={"timeline": True})


def run(order: Order, state: State, engine: Engine, progress: Progress = no_progress) -> Counts:
    """Classify what is not classified yet, write the table, and count what is in it.

    Raises
    ------
    LibraryError
        The run cannot begin or go on; what was answered until then is kept.
    """
    if order.chords is not None:
        lab_task(engine.models)  # or every file is classified before that is refused
    models = state.begin(order.asked, engine.models)
    with progress("listing", None) as listed:
        state.list(list_files(order.paths), listed)
    if "changed" in order.redo:
        state.redo_changed()
    if "problems" in order.redo:
        state.redo_problems()
    _work_through(*state.unhashed(), state, engine.hash, progress, "comparing")
    who = who_answers(engine.models)

    def classify(files: Iterable[str]) -> Iterator[Outcome]:
        return engine.classify(files, order.asked)

    count, files = state.unanswered(who, redo_models="models" in order.redo)
    while count:
        _work_through(count, files, state, classify, progress, "classifying")
        # More than none if a file was written to meanwhile, and its twins stay without an answer.
        count, files = state.unanswered(who, redo_models=False)
    _write(order, state, models)
    return state.counts(who)


def _work_through(
    count: int,
    files: Iterable[str],
    state: State,
    work: Callable[[Iterable[str]], Iterator[Outcome]],
    progress: Progress,
    step: str,
) -> None:
    if not count:
        return
    with progress(step, count) as done:
        state.keep(work(files), lambda _: done())


def _write(order: Order, state: State, models: Models) -> None:
    write_table(order.out, columns(order.question, models), state.rows())
    if order.chords is not None:
        labs = LabFolder(order.chords, models, state)
        for row in state.rows():
            labs.write(row)
