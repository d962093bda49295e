"""How the tests are shared out among processes: by file, those that take longest first."""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

# Each is one piece of work, also the folder, for it shares a browser and a service. What takes
# long must not begin last, or all processes but one wait for it.
LONGEST_FIRST = (
    "tests/service/pages/",
    "tests/training/test_notebooks.py",
    "tests/service/library/test_hosts.py",
    "tests/test_nginx.py",
    "tests/service/library/test_command.py",
    "tests/training/results/test_exported_bundle.py",
    "tests/training/fitting/test_fit_network.py",
    "tests/training/test_tutorial.py",
    "tests/training/listener/test_study.py",
    "tests/training/listener/test_keeping.py",
    "tests/training/fitting/test_judging.py",
    "tests/training/comparison/test_compare_job.py",
    "tests/test_prometheus.py",
    "tests/service/test_main.py",
    "tests/training/fitting/test_fit_task.py",
    "tests/training/commands/test_whole_way.py",
    "tests/service/intake/test_intake.py",
    "tests/service/http/test_stream_connection.py",
    "tests/service/http/test_connections.py",
    "tests/service/decoding/test_pool_mishaps.py",
    "tests/service/decoding/test_pool.py",
    "tests/service/test_bulk.py",
    "tests/service/test_imports.py",
    "tests/training/progressions/test_progression_job.py",
    "tests/training/robustness/test_invariance.py",
    "tests/test_openapi_document.py",
    "tests/test_deployment.py",
    "tests/test_proof.py",
    "tests/test_speed.py",
)


def work_of(nodeid: str) -> str:
    """Return the piece of work that a test belongs to, by its id."""
    file = nodeid.split("::", 1)[0]
    return next((work for work in LONGEST_FIRST if file.startswith(work)), file)


def place(item: pytest.Item) -> int:
    """Return where a test's piece of work stands in the order; those not named come last."""
    work = work_of(item.nodeid)
    return LONGEST_FIRST.index(work) if work in LONGEST_FIRST else len(LONGEST_FIRST)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Hands out pieces of work in the order of the tests."""

    def __init__(self, config: pytest.Config, log: Producer | None = None) -> None:
        config.option.loadscopereorder = False  # else by how many tests they are
        super().__init__(config, log)

    def _split_scope(self, nodeid: str) -> str:
        return work_of(nodeid)
