"""What the real Compose makes of docker-compose.yml and of the variables that operators set."""

import json
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.server import ROOT

EVERYTHING = ("--profile", "*")


@cache
def compose() -> list[str]:
    """Return the words that start Compose; none where it is missing."""
    for program in (Path(sys.executable).with_name("docker-compose"), "docker-compose"):
        if found := shutil.which(program):
            return [found]
    return []


pytestmark = pytest.mark.skipif(not compose(), reason="no docker-compose here")


def resolved(*words: str, **variables: str) -> dict[str, Any]:
    """Return the services as Compose would start them, with nothing set but the variables."""
    done = subprocess.run(  # noqa: S603  # our own words
        [*compose(), *words, "config", "--format", "json"],
        cwd=ROOT,
        env={"HOME": "/nonexistent", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""  # nor any warning
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize(
    ("words", "started"),
    [
        ((), {"service"}),
        (("--profile", "replicas"), {"service", "replica", "nginx"}),
        (
            ("--profile", "monitoring"),
            {"service", "prometheus", "grafana", "collector"},
        ),
        (("--profile", "training"), {"service", "training"}),
    ],
)
def test_a_profile_starts_what_it_names(words: tuple[str, ...], started: set[str]) -> None:
    assert set(resolved(*words)["services"]) == started


def test_without_variables_only_this_machine_reaches_it_and_nobody_needs_a_key() -> None:
    told = resolved(*EVERYTHING)
    for service in told["services"].values():
        assert {port["host_ip"] for port in service.get("ports", ())} <= {"127.0.0.1"}
    service = told["services"]["service"]
    assert [(port["published"], port["target"]) for port in service["ports"]] == [("8000", 8000)]
    assert service["environment"]["SERVICE_API_KEYS_FILE"] == ""
    assert told["secrets"]["api_keys"]["file"] == "/dev/null"


def test_variables_reach_the_containers_under_their_own_names() -> None:
    told = resolved(
        *EVERYTHING,
        SERVICE_HOST="0.0.0.0",  # noqa: S104  # what is asked for
        SERVICE_PORT="9000",
        SERVICE_WORKERS="3",
        SERVICE_API_KEYS_FILE="keys.txt",
        SERVICE_MAX_UPLOAD_BYTES="1000",
        SERVICE_ROOT_PATH="/music",
        MEMORY="3g",
        REPLICAS="5",
    )
    services = told["services"]
    (port,) = services["service"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("0.0.0.0", "9000", 8000)  # noqa: S104
    for copy in (services["service"], services["replica"]):
        assert copy["environment"]["SERVICE_WORKERS"] == "3"
        assert copy["environment"]["SERVICE_API_KEYS_FILE"] == "/run/secrets/api_keys"
        assert copy["cpus"] == 3
        assert int(copy["mem_limit"]) == 3 * 2**30
        assert "SERVICE_PORT" not in copy["environment"]
    assert told["secrets"]["api_keys"]["file"] == str(ROOT / "keys.txt")
    assert services["replica"]["scale"] == 5
    nginx = services["nginx"]["environment"]
    assert (nginx["SERVICE_MAX_UPLOAD_BYTES"], nginx["PREFIX"]) == ("1000", "/music")
