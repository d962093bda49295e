"""Classify a library in this process, and read its table."""

import json
from contextlib import closing
from pathlib import Path

from service.library.question import Question
from service.library.run import Order, run
from service.library.state import Counts, State
from tests.service.library.libraries import TASKS, InlineEngine

QUESTION = Question(tasks=TASKS)


def classify(
    tmp_path: Path, engine: InlineEngine, name: str = "out.jsonl", **order: object
) -> Counts:
    options = {"paths": (str(tmp_path / "music"),), "question": QUESTION, **order}
    out = tmp_path / name
    with closing(State(tmp_path / f"{name}.state")) as state:
        return run(Order(out=out, **options), state, engine)  # type: ignore[arg-type]


def table(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]
