"""One page of words, tables, pictures and mistakes, for a run and for an evaluation alike.

It needs nothing but a browser: pictures and sounds are part of it.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from training.results.mistakes import MOST_MISTAKES, Mistake


@dataclass(frozen=True)
class Table:
    """A table with a title, the heads of its columns, and its rows."""

    title: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Picture:
    """A picture with a title; its file becomes part of the page."""

    title: str
    file: Path


def render_page(
    task: str,
    told: str,
    file: Path,
    *,
    remarks: Sequence[str] = (),
    tables: Sequence[Table] = (),
    mistakes: Sequence[Mistake] = (),
    pictures: Sequence[Picture] = (),
) -> None:
    """Write the page.

    Parameters
    ----------
    task, told
        What it is about, and a sentence on where the figures come from.
    file
        Where it goes.
    remarks
        What whoever reads the figures must know, shown as warnings.
    tables, mistakes, pictures
        What was measured.
    """
    environment = Environment(
        loader=PackageLoader("training.results", "."), autoescape=True, undefined=StrictUndefined
    )
    page = environment.get_template("page.html.j2").render(
        task=task,
        told=told,
        remarks=remarks,
        tables=tables,
        most=MOST_MISTAKES,
        mistakes=mistakes,
        pictures=[
            (picture.title, base64.b64encode(picture.file.read_bytes()).decode("ascii"))
            for picture in pictures
        ],
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(page, "utf-8")
