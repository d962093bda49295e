"""The bundles that the service answers with, and the state of each."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from typing import Literal

from service.errors import BundleError, NotFound, NotReady
from service.inference.bundle import Bundle
from service.inference.bundle_files import CARD_FILE, read_card
from service.inference.card import Card
from service.inference.signature import PublicKey

logger = logging.getLogger(__name__)

State = Literal["loading", "ready", "failed"]
RETRY_LOADING_S = 2
RETRY_FAILED_S = 60


@dataclass(frozen=True)
class Entry:
    """One task: its state, its bundle, and why there is none or why it was not reloaded."""

    state: State
    bundle: Bundle | None = None
    reason: str | None = None

    @property
    def outdated(self) -> bool:
        """Whether it serves as before because the bundle that is there now failed."""
        return self.bundle is not None and self.reason is not None


class Registry:
    """Finds, proves and hands out the bundles under one folder.

    Parameters
    ----------
    models_dir
        Folder with one bundle folder per task.
    required_tasks
        Tasks that are expected; one that is missing is reported as failed.
    public_key
        Who must have signed each bundle, see :mod:`service.inference.signature`; None asks for no
        signature.
    """

    def __init__(
        self, models_dir: Path, required_tasks: tuple[str, ...], public_key: str | None = None
    ) -> None:
        self._models_dir = models_dir
        self._public_key = None if public_key is None else PublicKey(public_key)
        self._required_tasks = required_tasks
        self._entries = {name: Entry("loading") for name in self._names()}
        self._lock = Lock()
        self._loading = Lock()

    def load_all(self) -> None:
        """Load every bundle, for the first time or again.

        One that fails is logged and leaves the others serving, and itself if it served before.
        """
        with self._loading:
            names = self._names()
            for task in names:
                entry = _succeed(task, self._entries.get(task), self._load(task))
                with self._lock:
                    self._entries[task] = entry
            with self._lock:
                self._entries = {task: self._entries[task] for task in names}

    def entries(self) -> Mapping[str, Entry]:
        """Return the state of every known task."""
        with self._lock:
            return dict(self._entries)

    def cards(self) -> dict[str, Card | None]:
        """Return the card of every known task; None where the bundle has failed.

        Before a bundle is loaded, it is the one in its folder, which is not proved yet.
        """
        return {task: self._card(task, entry) for task, entry in self.entries().items()}

    def find(self, task: str) -> tuple[str, Entry]:
        """Return a task's own name and state, in whatever case its name is written.

        Raises
        ------
        NotFound
            There is no such task.
        """
        entries = self.entries()
        for name, entry in entries.items():
            if name.lower() == task.lower():
                return name, entry
        known = ", ".join(sorted(entries))
        raise NotFound(f"There is no task {task!r}; this service knows {known}.")

    def bundle(self, task: str) -> Bundle:
        """Return a task's bundle, in whatever case its name is written.

        Raises
        ------
        NotFound
            There is no such task.
        NotReady
            The bundle is still loading or failed to load.
        """
        task, entry = self.find(task)
        if entry.bundle is None:
            raise _not_ready(task, entry)
        return entry.bundle

    def ready_bundles(self) -> dict[str, Bundle]:
        """Return all bundles that serve.

        Raises
        ------
        NotReady
            There is none, or some are still loading.
        """
        entries = self.entries()
        ready = {task: e.bundle for task, e in entries.items() if e.bundle is not None}
        loading = [task for task, entry in entries.items() if entry.state == "loading"]
        if loading:
            raise _not_ready(loading[0], entries[loading[0]])
        if not entries:
            raise NotReady("There is no model to answer with.", retry_after_s=RETRY_FAILED_S)
        if not ready:
            task, entry = next(iter(entries.items()))
            raise _not_ready(task, entry)
        return ready

    def missing_tasks(self) -> list[str]:
        """Return the required tasks that no bundle serves."""
        entries = self.entries()
        return [t for t in self._required_tasks if t not in entries or entries[t].bundle is None]

    def _card(self, task: str, entry: Entry) -> Card | None:
        if entry.bundle is not None:
            return entry.bundle.card
        try:
            return read_card(self._models_dir / task) if entry.state == "loading" else None
        except BundleError:  # whoever loads it will say so
            return None

    def _names(self) -> list[str]:
        return list(dict.fromkeys([*self._required_tasks, *bundle_folders(self._models_dir)]))

    def _load(self, task: str) -> Entry:
        try:
            if self._public_key is not None:
                self._public_key.check(self._models_dir / task / CARD_FILE)
            bundle = Bundle.load(self._models_dir / task)
            if bundle.card.task != task:
                raise BundleError(f"the folder {task} holds a card of the task {bundle.card.task}")
        except BundleError as error:
            return Entry("failed", reason=str(error))
        except Exception as error:  # whatever it is, the other bundles must still be loaded
            logger.exception("bundle %s cannot be loaded", task)
            return Entry("failed", reason=f"{type(error).__name__}: {error}")
        return Entry("ready", bundle=bundle)


def _succeed(task: str, old: Entry | None, new: Entry) -> Entry:
    """Return the entry that serves from now on: the old one's bundle where the new one failed."""
    if new.bundle is not None:
        logger.info("bundle %s serves, version %s", task, new.bundle.card.version)
        return new
    if old is None or old.bundle is None:
        logger.error("bundle %s does not serve: %s", task, new.reason)
        return new
    version = old.bundle.card.version
    logger.error("bundle %s serves as before, version %s: %s", task, version, new.reason)
    return replace(old, reason=f"Serves as before, because the reload failed: {new.reason}")


def bundle_folders(models_dir: Path) -> list[str]:
    """Return the names of the folders that hold a bundle, whole or not."""
    return sorted(card.parent.name for card in models_dir.glob(f"*/{CARD_FILE}"))


def _not_ready(task: str, entry: Entry) -> NotReady:
    if entry.state == "loading":
        return NotReady(f"The {task} model is still loading.", retry_after_s=RETRY_LOADING_S)
    return NotReady(
        f"The {task} model failed its start-up proof; ask the operator to see /health/ready.",
        retry_after_s=RETRY_FAILED_S,
    )
