"""The notebooks run from their first cell to their last, and are kept as they should be read."""

import ast
import json
import os
import tempfile
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import pytest
from nbclient import NotebookClient

import training
from tests.server import ROOT

FOLDER = Path(training.__file__).with_name("notebooks")
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
TIMEOUT_S = 300
# One thread: those that wait for each other multiply the time of small products.
OF_A_KERNEL = {
    "NOTEBOOK_SMALL": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONPATH": str(ROOT),
}


def sources(file: Path, kind: str) -> list[str]:
    """Return the text of a notebook's cells of one kind."""
    cells = json.loads(file.read_text("utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells if cell["cell_type"] == kind]


def test_there_are_five_and_each_but_the_last_leads_to_the_next() -> None:
    assert [file.name[0] for file in NOTEBOOKS] == ["1", "2", "3", "4", "5"]
    for one, following in pairwise(NOTEBOOKS):
        assert f"({following.name})" in sources(one, "markdown")[-1]


@pytest.mark.parametrize("file", NOTEBOOKS[:-1], ids=lambda file: file.stem)
def test_it_runs_from_top_to_bottom(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTEBOOK_SMALL", "1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with plt.rc_context({"figure.dpi": 40}):
        shown, pictures = run(file)

    assert pictures >= 3
    assert any("<audio" in value._repr_html_() for value in shown if hasattr(value, "_repr_html_"))


def run(file: Path) -> tuple[list[object], int]:
    """Run a notebook here, where its libraries are loaded; return what it shows, how many pictures.

    As in Jupyter, the value of a cell's last line is shown.
    """
    shown: list[object] = []
    names = {"__name__": file.stem, "display": shown.append}
    pictures = 0
    for source in sources(file, "code"):
        cell = ast.parse(source)
        last = cell.body[-1]
        if isinstance(last, ast.Expr):
            last.value = ast.Call(ast.Name("display", ast.Load()), [last.value], [])
        code = compile(ast.fix_missing_locations(cell), file.name, "exec")
        exec(code, names)  # noqa: S102  # our own notebook
        for number in plt.get_fignums():
            plt.figure(number).canvas.draw()
            pictures += 1
        plt.close("all")
    return shown, pictures


def test_jupyter_shows_its_pictures_and_players(tmp_path: Path) -> None:
    notebook = nbformat.read(NOTEBOOKS[-1], as_version=4)  # type: ignore[no-untyped-call]
    where = {"metadata": {"path": str(tmp_path)}}
    client = NotebookClient(notebook, timeout=TIMEOUT_S, kernel_name="python3", resources=where)

    client.execute(env=os.environ | OF_A_KERNEL)

    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [output["data"] for output in outputs if "data" in output]
    assert sum("image/png" in data for data in shown) >= 3
    assert any("<audio" in data.get("text/html", "") for data in shown)


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
