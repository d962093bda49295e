"""Carry out the command as its options say, and tell people how it went."""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from service.inference.registry import bundle_folders
from service.library.cli import question_of
from service.library.database import forget
from service.library.engine import Engine, dask_engine
from service.library.problems import LibraryError
from service.library.remote import remote_engine
from service.library.run import Order, Progress, no_progress, run
from service.library.state import Counts, State
from service.library.table import check_ending
from service.library.tagging import tag_files
from service.library.tags import TagRules

COMPLETE, WITH_PROBLEMS, COULD_NOT, INTERRUPTED = 0, 1, 2, 130


def execute(options: argparse.Namespace) -> int:
    """Do what the options say; return the exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    try:
        return _execute(options)
    except LibraryError as error:
        sys.stderr.write(f"error: {error}\n")
        return COULD_NOT
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The same command goes on from here.\n")
        return INTERRUPTED


def _execute(options: argparse.Namespace) -> int:
    _check(options)
    began_s = time.monotonic()
    progress: Progress = no_progress if options.quiet else _bar
    state_file = options.state or options.out.with_name(f"{options.out.name}.state")
    if options.fresh:
        forget(state_file)
    with closing(State(state_file)) as state:
        with _engine(options) as engine:
            order = Order(
                paths=tuple(options.paths),
                out=options.out,
                question=question_of(options, tuple(engine.models)),
                chords=options.chords,
                redo=frozenset(options.redo),
            )
            counts = run(order, state, engine, progress)
        sys.stdout.write(summary(counts, options.out, time.monotonic() - began_s))
        if options.write_tags:
            rules = TagRules(options.genres, options.min_confidence, options.overwrite_tags)
            tag_files(state, rules, sys.stdout.write, really=options.yes)
    return WITH_PROBLEMS if counts.problems else COMPLETE


def summary(counts: Counts, out: Path, seconds: float) -> str:
    """Return what people are told at the end."""
    files = "1 file" if counts.files == 1 else f"{counts.files} files"
    lines = [
        f"{files} in {out}, {seconds:.0f} s: {counts.answered} answered, "
        f"{counts.problems} with a problem, {counts.contents} different contents"
    ]
    if counts.changed:
        lines.append(f"{counts.changed} have changed since; --redo changed classifies them again")
    if counts.by_other_models:
        lines.append(
            f"{counts.by_other_models} were answered by other models than the present ones; "
            "--redo models classifies them again"
        )
    return "\n".join(lines) + "\n"


def _check(options: argparse.Namespace) -> None:
    check_ending(options.out)
    if options.url and options.scheduler:
        raise LibraryError("--url and --scheduler exclude each other.")
    if options.api_key_file and not options.url:
        raise LibraryError("--api-key-file goes with --url.")
    if options.yes and not options.write_tags:
        raise LibraryError("--yes goes with --write-tags.")
    if not options.out.absolute().parent.is_dir():
        raise LibraryError(f"{options.out.absolute().parent} is no folder; make it first.")


def _engine(options: argparse.Namespace) -> AbstractContextManager[Engine]:
    if options.url:
        key = _api_key(options.api_key_file)
        return remote_engine(options.url, options.tasks, key, options.patience_s)
    tasks = options.tasks or _tasks_in(options.models)
    return dask_engine(options.models, tasks, options.scheduler, options.processes)


def _tasks_in(models: Path) -> tuple[str, ...]:
    tasks = tuple(bundle_folders(models))
    if not tasks:
        raise LibraryError(f"{models} holds no models; name their folder with --models.")
    return tasks


def _api_key(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        key = file.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise LibraryError(f"{file} cannot be read: {error}") from error
    if len(key.split()) != 1 or not key.isascii():
        raise LibraryError(f"{file} must hold one key, in ASCII, and nothing else.")
    return key


@contextmanager
def _bar(step: str, total: int | None) -> Iterator[Callable[[], Any]]:
    with tqdm(total=total, desc=step, unit="file", dynamic_ncols=True) as bar:
        yield bar.update
