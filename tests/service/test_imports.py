import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What costs seconds, hundreds of megabytes or a writable cache, and the training job.
FORBIDDEN = {
    "dask",
    "keras",
    "librosa",
    "matplotlib",
    "numba",
    "onnx",
    "pandas",
    "scipy",
    "sklearn",
    "tensorflow",
    "tf2onnx",
    "training",
}
IMPORT_ALL = """
import importlib, json, pkgutil, sys
import service
for module in pkgutil.walk_packages(service.__path__, "service."):
    if module.name != "service.__main__":
        importlib.import_module(module.name)
importlib.import_module("service.__main__")
print(json.dumps(sorted(sys.modules)))
"""


def test_the_service_imports_none_of_the_trainings_libraries() -> None:
    done = subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", IMPORT_ALL], cwd=ROOT, capture_output=True, text=True, check=True
    )
    modules = set(json.loads(done.stdout))

    assert {"service.app", "service.routes.classify", "onnxruntime", "soundfile"} <= modules
    assert {name.split(".")[0] for name in modules} & FORBIDDEN == set()
