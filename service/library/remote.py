"""Classify through a running service instead of bundles at hand."""

import asyncio
import hashlib
import itertools
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from service.client import AsyncClient, ServiceUnreachable
from service.client.exchange import Asked
from service.client.retries import REFUSALS
from service.errors import (
    BadRequest,
    Forbidden,
    InvalidRequest,
    MethodNotAllowed,
    NotFound,
    ServiceError,
    Unauthorized,
)
from service.library.problems import LibraryError
from service.library.question import Models, Outcome, Question, describe_card
from service.library.reading import read
from service.library.work import hash_file
from service.schemas import AllAnswers, TaskResult

# What is no fault of the file: the run must end, or every file would have that problem.
FATAL = (*REFUSALS, Unauthorized, Forbidden, NotFound, MethodNotAllowed, BadRequest, InvalidRequest)
SPARE = 2
"""Files that are read while as many as the service takes are on the way to it."""


class RemoteEngine:
    """Works with a running service; see :func:`remote_engine`."""

    def __init__(
        self, runner: asyncio.Runner, client: AsyncClient, models: Models, serves: int
    ) -> None:
        self._runner = runner
        self._client = client
        self._serves = serves  # how many tasks the service has, asked for or not
        self._running: set[asyncio.Task[Outcome]] = set()
        self.models = models

    def hash(self, files: Iterable[str]) -> Iterator[Outcome]:
        """Yield the hash of the content of each file."""
        return self._map(lambda file: asyncio.to_thread(hash_file, file), files)

    def classify(self, files: Iterable[str], question: Question) -> Iterator[Outcome]:
        """Yield the answers about each file.

        Raises
        ------
        LibraryError
            The service cannot be reached, or lets nobody in.
        """
        return self._map(lambda file: self._classify(file, question), files)

    async def _classify(self, file: str, question: Question) -> Outcome:
        sha256 = None
        try:
            data = await asyncio.to_thread(read, file, question.max_bytes)
            sha256 = hashlib.sha256(data).hexdigest()
            return Outcome(file, sha256, await self._ask(data, question))
        except FATAL as error:
            raise LibraryError(f"The service refuses: {error.detail}") from error
        except ServiceError as error:
            return Outcome(file, sha256, slug=error.slug(), detail=error.detail)
        except ServiceUnreachable as error:
            raise LibraryError(str(error)) from error

    async def _ask(self, data: bytes, question: Question) -> AllAnswers:
        asked = _asked(question)
        if len(question.tasks) == 1 and self._serves > 1:
            answer = await self._client.classify_task(question.tasks[0], data, **asked)
            result = TaskResult.model_validate(answer.model_dump(exclude={"audio"}))
            return AllAnswers(audio=answer.audio, results={answer.task: result})
        answers = await self._client.classify(data, **asked)
        missing = [task for task in question.tasks if task not in answers.results]
        if missing:
            raise LibraryError(f"The service has no {missing[0]} model any more.")
        results = {task: answers.results[task] for task in question.tasks}
        return AllAnswers(audio=answers.audio, results=results)

    def _map(
        self, ask: Callable[[str], Coroutine[Any, Any, Outcome]], files: Iterable[str]
    ) -> Iterator[Outcome]:
        waiting = iter(files)
        loop = self._runner.get_loop()
        while True:
            for file in itertools.islice(waiting, self._room()):
                self._running.add(loop.create_task(ask(file)))
            if not self._running:
                return
            for task in self._runner.run(_first_of(self._running)):
                self._running.discard(task)
                yield task.result()

    def _room(self) -> int:
        return max(0, self._client.in_flight + SPARE - len(self._running))

    async def close(self) -> None:
        """Give up what is still on its way, as after an error, and close all connections."""
        for task in self._running:
            task.cancel()
        # What became of them is looked at and no more told: the first error has ended the run.
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._client.close()


@contextmanager
def remote_engine(
    url: str, tasks: tuple[str, ...] | None, api_key: str | None, patience_s: float
) -> Iterator[RemoteEngine]:
    """Return an engine on a running service.

    Parameters
    ----------
    url
        Where it is.
    tasks
        What to ask; None for all that it can.
    api_key
        For a service that asks for one.
    patience_s
        For how long to wait when it is away or takes nothing.

    Raises
    ------
    LibraryError
        It cannot be reached, or has no model for one of the tasks.
    """
    try:
        client = AsyncClient(url, api_key=api_key, patience_s=patience_s)
    except ServiceUnreachable as error:
        raise LibraryError(str(error)) from error
    with asyncio.Runner() as runner:
        close = client.close
        try:
            models, serves = runner.run(_models(client, tasks))
            engine = RemoteEngine(runner, client, models, serves)
            close = engine.close
            yield engine
        except ServiceUnreachable as error:
            told = str(error).rstrip(".")
            raise LibraryError(f"{told}. Is {url} the address of a service that runs?") from error
        except ServiceError as error:
            raise LibraryError(f"The service refuses: {error.detail}") from error
        finally:
            runner.run(close())


async def _models(client: AsyncClient, tasks: tuple[str, ...] | None) -> tuple[Models, int]:
    serving = [summary.task for summary in await client.models() if summary.version is not None]
    if not serving:
        raise LibraryError("The service has no model yet; see its /health/ready.")
    cards = [await client.card(task) for task in tasks or serving]
    return {card.task: describe_card(card) for card in cards}, len(serving)


def _asked(question: Question) -> Asked:
    asked = Asked(timeline=question.timeline, top_k=question.top_k, embedding=question.embedding)
    if question.excerpt is not None:
        asked |= Asked(start_s=question.start_s, duration_s=question.duration_s)
    return asked


async def _first_of(running: set[asyncio.Task[Outcome]]) -> set[asyncio.Task[Outcome]]:
    done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    return done
