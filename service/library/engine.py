"""Who does the work of a run: this machine's processes or a cluster, or a running service."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Protocol

from distributed import Client, KilledWorker

from service.bulk import ALLOWED_FAILURES, Done, NoWorkers, map_unordered, workers
from service.errors import BundleError
from service.inference.bundle_files import read_card
from service.inference.registry import bundle_folders
from service.library.problems import LibraryError, WorkerKilled
from service.library.question import Models, Outcome, Question, describe_card
from service.library.work import Bundles, classify_file, hash_file


class Engine(Protocol):
    """Hashes and classifies files; what came of each is yielded as soon as it is known."""

    @property
    def models(self) -> Models:
        """Who answers."""
        ...

    def hash(self, files: Iterable[str]) -> Iterator[Outcome]:
        """Yield the hash of the content of each file."""
        ...

    def classify(self, files: Iterable[str], question: Question) -> Iterator[Outcome]:
        """Yield the answers about each file."""
        ...


class DaskEngine:
    """Works with bundles, in Dask workers; see :func:`dask_engine`."""

    def __init__(self, start: Callable[[], Client], models: Models, bundles: Bundles) -> None:
        self._start = start
        self._bundles = bundles
        self.models = models

    def hash(self, files: Iterable[str]) -> Iterator[Outcome]:
        """Yield the hash of the content of each file."""
        return _outcomes(map_unordered(self._start(), hash_file, files))

    def classify(self, files: Iterable[str], question: Question) -> Iterator[Outcome]:
        """Yield the answers about each file."""
        return _outcomes(
            map_unordered(self._start(), classify_file, files, question, self._bundles)
        )


@contextmanager
def dask_engine(
    models_dir: Path, tasks: tuple[str, ...], scheduler: str | None, processes: int
) -> Iterator[DaskEngine]:
    """Return an engine on processes of this machine, or on a cluster.

    Workers are started, or the cluster is called, once there is something to do.

    Raises
    ------
    LibraryError
        A model is missing, or there is no cluster, or it went away.
    """
    models = _models(models_dir, tasks)
    hashes = tuple((task, model.ref.sha256) for task, model in models.items())
    bundles = Bundles(str(models_dir.absolute()), hashes)
    with ExitStack() as stack:
        start = cache(lambda: stack.enter_context(workers(scheduler, processes)))
        try:
            yield DaskEngine(start, models, bundles)
        except NoWorkers as error:
            raise LibraryError(
                f"{error} What was answered is kept; the same command goes on."
            ) from error


def _models(folder: Path, tasks: tuple[str, ...]) -> Models:
    found = bundle_folders(folder)
    missing = [task for task in tasks if task not in found]
    if missing:
        raise LibraryError(
            f"The folder {folder} holds no model of {', '.join(missing)}, but of "
            f"{', '.join(found) or 'no task'}. Choose tasks by --tasks, or a folder by --models."
        )
    try:
        return {task: describe_card(read_card(folder / task)) for task in tasks}
    except BundleError as error:
        raise LibraryError(f"The models in {folder} cannot answer: {error}.") from error


def _outcomes(done: Iterable[Done[str, Outcome]]) -> Iterator[Outcome]:
    for one in done:
        if one.result is not None:
            yield one.result
        elif isinstance(one.error, KilledWorker):
            yield Outcome(
                one.item,
                slug=WorkerKilled.slug(),
                detail=f"{ALLOWED_FAILURES + 1} worker processes died while they had this file.",
            )
        elif isinstance(one.error, LibraryError):
            raise one.error
        else:
            raise LibraryError(f"The workers do not work: {one.error}") from one.error
