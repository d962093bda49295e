"""The walls of the house: which folder may import which.

Each package's parts stand in one order. A part may import those before it, and itself.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ORDER = {
    "service": (
        "errors",
        "wording",
        "arguments",
        "deadline",
        "cores",
        "files",
        "heap",
        "bulk",
        "audio",
        "inference",
        "schemas",
        "answers",
        "client",
        "telemetry",
        "decoding",
        "library",
        "http",
        "settings",
        "startup",
        "intake",
        "streaming",
        "routes",
        "app",
        "listen",
        "benchmark",
        "__main__",
    ),
    "training": (
        "errors",
        "logs",
        "compiled",
        "data",
        "synthesis",
        "augmentation",
        "networks",
        "recipes",
        "evaluation",
        "fitting",
        "results",
        "listener",
        "robustness",
        "comparison",
        "forms",
        "progressions",
        "commands",
        "cli",
        "__main__",
    ),
}
# What the training job may know of the service: what a recording is, what a model says, how work
# on many recordings is spread, how files are written whole, and numbers on command lines read.
SHARED = {"arguments", "audio", "bulk", "cores", "errors", "files", "inference"}
WEB = {"fastapi", "h11", "prometheus_client", "starlette", "uvicorn"}
MODULES = sorted(file for package in ORDER for file in (ROOT / package).rglob("*.py"))


def imports(file: Path) -> Iterator[str]:
    """Yield the full name of each module that a file imports, and of each name from one."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def parts(file: Path, package: str) -> set[str]:
    """Return the parts of a package that a file imports."""
    names = (name.split(".") for name in imports(file))
    return {n[1] for n in names if n[0] == package and n[1:] not in ([], ["__version__"])}


def part_of(file: Path) -> str:
    """Return the part that a file belongs to; the package's own name for its ``__init__``."""
    return file.relative_to(ROOT).with_suffix("").parts[1]


def test_every_part_has_its_place_in_the_order() -> None:
    for package, order in ORDER.items():
        found = {
            path.stem
            for path in (ROOT / package).iterdir()
            if path.suffix == ".py" or (path / "__init__.py").exists()
        }
        assert found - {"__init__"} == set(order)


def test_imports_run_one_way() -> None:
    above = {}
    for file in MODULES:
        package, part = file.relative_to(ROOT).parts[0], part_of(file)
        order = ORDER[package]
        below = set() if part == "__init__" else set(order[: order.index(part) + 1])
        above[file] = parts(file, package) - below

    assert len(above) > 300
    assert {str(file): parts for file, parts in above.items() if parts} == {}


def test_the_training_job_needs_of_the_service_only_what_is_shared() -> None:
    for file in (ROOT / "training").rglob("*.py"):
        assert parts(file, "service") <= SHARED, file


def test_what_both_need_knows_nothing_of_http() -> None:
    for part in ("audio", "inference"):
        for file in (ROOT / "service" / part).rglob("*.py"):
            assert {name.split(".")[0] for name in imports(file)} & WEB == set(), file


def test_the_tests_mirror_the_packages() -> None:
    for package in ORDER:
        code = [*(ROOT / package).rglob("*.py"), *(ROOT / package).rglob("*.html")]
        folders = {file.parent for file in code}
        for test in (ROOT / "tests" / package).rglob("test_*.py"):
            assert ROOT / test.parent.relative_to(ROOT / "tests") in folders, test
