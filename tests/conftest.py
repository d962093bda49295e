"""Fixtures that several test modules share, and how tests run side by side."""

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path

import httpx2
import pytest

from service.cores import available_cores
from tests.bundles import write_models
from tests.server import TIMEOUT_S, server

# Each process of the tests loads TensorFlow, so more of them would want more memory than they save
# time.
MOST_PROCESSES = 6

if "PYTEST_XDIST_WORKER" in os.environ:
    # Those beside this process use the other cores. It is read when TensorFlow is imported.
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")


@pytest.hookimpl(optionalhook=True)  # there are also runs with -p no:xdist
def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes ``-n auto`` means: two more than cores that may be used.

    About a third of the time, a test waits: for a browser, a server, a timeout.
    """
    return min(MOST_PROCESSES, available_cores() + 2)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Return what shares the tests out, where it is not said otherwise."""
    if config.getvalue("dist") != "loadfile":
        return None
    from tests.side_by_side import Scheduling  # noqa: PLC0415  # not with -p no:xdist

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what takes longest first, where processes take their work from the list."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        from tests.side_by_side import place  # noqa: PLC0415

        items.sort(key=place)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Spare the garbage collector what is loaded for all tests, which it would search for ever.

    TensorFlow and some thousand tests are millions of objects, none of which becomes garbage. And
    let it look less often: a network that is traced makes and drops many small objects.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(20_000, 10, 10)
        gc.enable()


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny bundle for each of the three tasks; not to be written to."""
    return write_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def shared_service(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a service that is a process of its own, with no settings but its models.

    It is for tests that need no other and leave it as it was; to start one costs more than most
    of what is asked of it.
    """
    with server(models_dir, tmp_path_factory.mktemp("shared") / "log") as (_, client):
        yield str(client.base_url).rstrip("/")


@pytest.fixture
def shared_client(shared_service: str) -> Iterator[httpx2.Client]:
    """A client of the shared service."""
    with httpx2.Client(base_url=shared_service, timeout=TIMEOUT_S) as client:
        yield client
