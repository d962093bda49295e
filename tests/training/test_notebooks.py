"""The notebooks run from their first cell to their last, and are kept as they should be read."""

import json
import os
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook

import training
from tests.server import ROOT

FOLDER = Path(training.__file__).with_name("notebooks")
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TIMEOUT_S = 300
# One thread: those that wait for each other multiply the time of small products.
ENVIRONMENT = {
    "NOTEBOOK_SMALL": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}
# Draws small pictures, and each once and not twice as to crop it; forgets the notebook before.
BEFORE = """
import matplotlib
matplotlib.rcParams["figure.dpi"] = 40
%config InlineBackend.print_figure_kwargs = {"bbox_inches": None}
%reset -f
"""


@pytest.fixture(scope="module")
def runner(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookClient]:
    """Runs notebooks in one process: to load their libraries takes longer than most cells."""
    none_yet = new_notebook()  # type: ignore[no-untyped-call]
    where = {"metadata": {"path": str(tmp_path_factory.mktemp("notebooks"))}}
    client = NotebookClient(none_yet, timeout=TIMEOUT_S, kernel_name="python3", resources=where)
    with client.setup_kernel(env=os.environ | ENVIRONMENT):
        yield client


def sources(file: Path, kind: str) -> list[str]:
    """Return the text of a notebook's cells of one kind."""
    cells = json.loads(file.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def test_there_are_five_and_each_but_the_last_leads_to_the_next() -> None:
    assert [file.name[0] for file in NOTEBOOKS] == ["1", "2", "3", "4", "5"]
    for one, following in pairwise(NOTEBOOKS):
        assert f"({following.name})" in sources(one, "markdown")[-1]


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_runs_from_top_to_bottom(file: Path, runner: NotebookClient) -> None:
    notebook = nbformat.read(file, as_version=4)  # type: ignore[no-untyped-call]
    notebook.cells.insert(0, new_code_cell(BEFORE))  # type: ignore[no-untyped-call]

    runner.nb = notebook
    runner.execute(cleanup_kc=False)  # else the process would end

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = {kind for output in outputs for kind in output.get("data", {})}
    pictures = [output for output in outputs if "image/png" in output.get("data", {})]
    players = [output for output in outputs if "<audio" in str(output.get("data", {}))]
    assert len(pictures) >= 3, shown
    assert players


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_is_kept_without_outputs_and_changes_little(file: Path) -> None:
    text = file.read_text("utf-8")
    notebook = json.loads(text)
    assert text == json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    for number, cell in enumerate(notebook["cells"], start=1):
        assert cell["id"] == f"cell-{number:02d}"
        assert cell["metadata"] == {}
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("file", NOTEBOOKS, ids=lambda file: file.stem)
def test_it_teaches(file: Path) -> None:
    words = "\n".join(sources(file, "markdown"))
    code = "\n".join(sources(file, "code"))
    assert words.count("<details><summary>Answer</summary>") >= 3
    assert words.count("<details>") == words.count("</details>")
    assert "\nDATA = None  # or a " in code
    assert "from training." in code
    for line in words.splitlines():
        for target in [part.split(")")[0] for part in line.split("](")[1:]]:
            assert (FOLDER / target).exists(), target
