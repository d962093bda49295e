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
IMPORT_ALL = """
import importlib, json, sys
from pathlib import Path
import service
EXTRAS = ("bulk.py", "client", "library")
root = Path(service.__file__).parent
for file in root.rglob("*.py"):
    path = file.relative_to(root)
    if path.parts[0] not in EXTRAS:
        importlib.import_module(".".join(("service", *path.with_suffix("").parts)))
print(json.dumps(sorted(sys.modules)))
"""
IMPORT_DECODER = """
import json, sys
import service.decoding.process
print(json.dumps(sorted(sys.modules)))
"""
CREATE_APP = """
import json, sys
from service.app import create_app
create_app()
print(json.dumps(sorted(sys.modules)))
"""


IMPORT_CLIENT = """
import json, sys
import service.client
print(json.dumps(sorted(sys.modules)))
"""
IMPORT_LIBRARY = """
import json, sys
from service.library import command
print(json.dumps(sorted(sys.modules)))
"""


def imported_by(code: str) -> set[str]:
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout))


def test_the_service_imports_none_of_the_trainings_libraries() -> None:
    modules = imported_by(IMPORT_ALL)

    assert {"service.app", "service.routes.classify", "onnxruntime", "soundfile"} <= modules
    assert {name.split(".")[0] for name in modules} & FORBIDDEN == set()


def test_a_decoder_imports_only_what_decoding_needs() -> None:
    modules = imported_by(IMPORT_DECODER)

    assert {"service.audio.decode", "soundfile"} <= modules
    packages = {name.split(".")[0] for name in modules}
    unneeded = {"av", "email", "fastapi", "onnxruntime", "pydantic", "starlette", "uvicorn"}
    assert packages & unneeded == set()


def test_the_package_tells_its_version_and_nothing_else_that_it_has_not() -> None:
    assert service.__version__
    with pytest.raises(AttributeError, match="'service' has no attribute 'vers1on'"):
        _ = service.vers1on


def test_nothing_of_tracing_is_imported_unless_it_is_asked_for() -> None:
    modules = imported_by(CREATE_APP)

    assert "service.telemetry.tracing" in modules
    assert not [
        name for name in modules if name.startswith(("service.telemetry.spans", "requests"))
    ]
    assert not [name for name in modules if name.startswith("opentelemetry.sdk")]


def test_the_client_imports_nothing_of_the_library_command_but_its_http_client() -> None:
    modules = imported_by(IMPORT_CLIENT)

    packages = {name.split(".")[0] for name in modules}
    assert packages & FORBIDDEN == {"httpx"}


def test_the_library_command_imports_none_of_the_trainings_libraries() -> None:
    modules = imported_by(IMPORT_LIBRARY)

    packages = {name.split(".")[0] for name in modules}
    assert packages & FORBIDDEN == {"dask", "distributed", "httpx", "mutagen", "pyarrow"}
