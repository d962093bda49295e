import json
import subprocess
import sys
from pathlib import Path

import pytest

import service

ROOT = Path(__file__).parents[2]
# What costs seconds, hundreds of megabytes or a writable cache, and the training job.
FORBIDDEN = {
    "dask",
    "distributed",
    "httpx",
    "keras",
    "librosa",
    "matplotlib",
    "mutagen",
    "numba",
    "onnx",
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "tensorflow",
    "tf2onnx",
    "training",
}
# One after the other in one process, each of which may add only what is its own.
STAGES = """
import importlib, json, sys

def loaded(stage):
    print(json.dumps([stage, sorted(sys.modules)]))

import service.decoding.process
loaded("decoder")
from service.app import create_app
create_app()
loaded("app")
from pathlib import Path
EXTRAS = ("bulk.py", "client", "library")
root = Path(service.__file__).parent
for file in root.rglob("*.py"):
    path = file.relative_to(root)
    if path.parts[0] not in EXTRAS:
        importlib.import_module(".".join(("service", *path.with_suffix("").parts)))
loaded("service")
import service.client
loaded("client")
from service.library import command
loaded("library")
"""
Loaded = dict[str, set[str]]


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """The names of all modules that are loaded after each stage."""
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", STAGES], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {stage: set(names) for stage, names in map(json.loads, done.stdout.splitlines())}


def packages(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


def test_the_service_imports_none_of_the_trainings_libraries(loaded: Loaded) -> None:
    modules = loaded["service"]
    assert {"service.app", "service.routes.classify", "onnxruntime", "soundfile"} <= modules
    assert packages(modules) & FORBIDDEN == set()


def test_a_decoder_imports_only_what_decoding_needs(loaded: Loaded) -> None:
    modules = loaded["decoder"]
    assert {"service.audio.decode", "soundfile"} <= modules
    unneeded = {"av", "email", "fastapi", "onnxruntime", "pydantic", "starlette", "uvicorn"}
    assert packages(modules) & unneeded == set()


def test_the_package_tells_its_version_and_nothing_else_that_it_has_not() -> None:
    assert service.__version__
    with pytest.raises(AttributeError, match="'service' has no attribute 'vers1on'"):
        _ = service.vers1on


def test_nothing_of_tracing_is_imported_unless_it_is_asked_for(loaded: Loaded) -> None:
    modules = loaded["app"]
    assert "service.telemetry.tracing" in modules
    assert not [
        name for name in modules if name.startswith(("service.telemetry.spans", "requests"))
    ]
    assert not [name for name in modules if name.startswith("opentelemetry.sdk")]


def test_the_client_imports_nothing_of_the_library_command_but_its_http_client(
    loaded: Loaded,
) -> None:
    assert "service.client" in loaded["client"] - loaded["service"]
    assert packages(loaded["client"]) & FORBIDDEN == {"httpx"}


def test_the_library_command_imports_none_of_the_trainings_libraries(loaded: Loaded) -> None:
    known = packages(loaded["library"]) & FORBIDDEN
    assert known == {"dask", "distributed", "httpx", "mutagen", "pyarrow"}
