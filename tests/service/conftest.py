"""Fixtures of the service's tests."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.decoding.pool import DecoderPool
from service.settings import Settings
from tests.service.serving import serve


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith(("SERVICE_", "OTEL_"))]:
            patch.delenv(name)
        yield


@pytest.fixture(scope="session")
def client(models_dir: Path) -> Iterator[TestClient]:
    """A client of a service that is ready with all three tasks."""
    with serve(Settings(models_dir=models_dir)) as ready_client:
        yield ready_client


@pytest.fixture
def started_here(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the command start the service on the tests' models, in their own process."""
    monkeypatch.setattr(sys, "argv", ["service"])
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # those of the tests stay
    monkeypatch.setenv("SERVICE_MODELS_DIR", str(models_dir))


@pytest.fixture(scope="module")
def decoders() -> Iterator[DecoderPool]:
    """One process that decodes."""
    pool = DecoderPool(1)
    pool.start()
    yield pool
    pool.close()
