import resource

import pytest

from service.__main__ import main
from service.startup.open_files import FILES_PER_WORKER, SPARE_FILES, allow_open_files
from service.startup.refusal import StartRefused

NEEDED = 100 + 25 + 2 * FILES_PER_WORKER + SPARE_FILES

Limit = tuple[int, int]


class System:
    """Holds a limit as the system does, without changing the one of the tests."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit

    def get(self, _kind: int) -> Limit:
        return self.limit

    def set(self, _kind: int, limit: Limit) -> None:
        self.limit = limit


@pytest.fixture
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> System:
    made = System(request.param)
    monkeypatch.setattr(resource, "getrlimit", made.get)
    monkeypatch.setattr(resource, "setrlimit", made.set)
    return made


@pytest.mark.parametrize(
    ("system", "expected"),
    [
        ((NEEDED, NEEDED), (NEEDED, NEEDED)),
        ((1, NEEDED), (NEEDED, NEEDED)),
        ((1, resource.RLIM_INFINITY), (NEEDED, resource.RLIM_INFINITY)),
        ((resource.RLIM_INFINITY, 1), (resource.RLIM_INFINITY, 1)),
    ],
    indirect=["system"],
)
def test_the_limit_is_raised_only_if_it_is_too_low(system: System, expected: Limit) -> None:
    allow_open_files(100, backlog=25, workers=2)
    assert system.limit == expected


@pytest.mark.parametrize("system", [(1, NEEDED - 1)], indirect=True)
def test_a_system_that_allows_too_few_is_told(system: System) -> None:
    with pytest.raises(StartRefused, match=f"needs {NEEDED} open files, .* allows {NEEDED - 1}"):
        allow_open_files(100, backlog=25, workers=2)
    assert system.limit == (1, NEEDED - 1)


@pytest.mark.parametrize("system", [(1, 64)], indirect=True)
@pytest.mark.usefixtures("system", "started_here")
def test_the_service_does_not_start_where_it_would_run_out_of_files(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main() == 2

    assert "SERVICE_MAX_CONNECTIONS=1024 needs" in capsys.readouterr().err
