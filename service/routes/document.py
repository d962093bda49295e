"""The OpenAPI document, which shows each task as the endpoint that it is.

One route answers for all tasks. The document names each task's path, with an example of its own
and an operation id that stays, so that people and generated clients see what there is.
"""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any

from fastapi import FastAPI

from service.inference.card import Card
from service.inference.registry import Registry
from service.intake.upload import FILE_FIELD, MEDIA_TYPES
from service.routes import examples
from service.routes.classify import JSON, TEXT
from service.routes.options import option_schemas

ALL_PATH = "/classify"
ANY_TASK_PATH = "/classify/{task}"
LAB = "lab"

Document = dict[str, Any]


def install(app: FastAPI, registry: Registry) -> None:
    """Make the application describe the tasks that the registry knows."""
    app.openapi = _Description(app.openapi, registry)  # type: ignore[method-assign]  # FastAPI's documented way


class _Description:
    """The document, made anew only when the models have changed: it holds up all requests."""

    def __init__(self, describe: Callable[[], Document], registry: Registry) -> None:
        self._describe = describe
        self._registry = registry
        self._made: tuple[dict[str, Card | None], Document] | None = None

    def __call__(self) -> Document:
        cards, made = self._registry.cards(), self._made
        if made is None or not _same(made[0], cards):
            made = self._made = cards, _with_tasks(self._describe(), cards)
        return made[1]


def _same(some: Mapping[str, Card | None], others: Mapping[str, Card | None]) -> bool:
    return [*some] == [*others] and all(card is others[task] for task, card in some.items())


def _with_tasks(described: Document, cards: Mapping[str, Card | None]) -> Document:
    """Return a document with a path for each task, which stays as it is while models load."""
    document = deepcopy(described)
    paths: Document = {}
    for path, item in document["paths"].items():
        if path == ALL_PATH:
            paths[path] = {"post": _for_all(item["post"], cards)}
        elif path == ANY_TASK_PATH:
            for task, card in cards.items():
                operation = _for_task(deepcopy(item["post"]), task, card)
                paths[f"{ALL_PATH}/{task}"] = {"post": operation}
        else:
            paths[path] = item
    document["paths"] = paths
    return document


def _for_all(operation: Document, cards: Mapping[str, Card | None]) -> Document:
    if known := {task: card for task, card in cards.items() if card is not None}:
        content = operation["responses"]["200"]["content"]
        content[JSON]["example"] = examples.all_answers(known)
    return _with_request(operation, has_lab=False)


def _for_task(operation: Document, task: str, card: Card | None) -> Document:
    operation["operationId"] = f"classify_{task}"
    operation["summary"] = f"Classify a clip: {task}"
    has_lab = False
    if card is not None:
        operation["description"] = f"{card.summary}\n\nLabels: {', '.join(card.labels)}."
        content = operation["responses"]["200"]["content"]
        content[JSON]["examples"] = {
            task: {"summary": examples.summary(card), "value": examples.task_answer(card)}
        }
        has_lab = card.lab_labels is not None
        if has_lab:
            content[TEXT] = {"schema": {"type": "string"}, "example": examples.lab_answer(card)}
    return _with_request(operation, has_lab=has_lab)


def _with_request(operation: Document, *, has_lab: bool) -> Document:
    """Describe what is sent: the file, and the options in the query or as fields beside it."""
    schemas = option_schemas()
    if not has_lab:
        schemas["format"]["enum"].remove(LAB)
        schemas["format"]["description"] = "json, as there is no other form"
    operation["parameters"] = [
        {
            "name": name,
            "in": "query",
            "description": schema["description"],
            "schema": {key: value for key, value in schema.items() if key != "description"},
        }
        for name, schema in schemas.items()
    ]
    file = {
        "type": "string",
        "format": "binary",
        "description": "The audio file; the only file of a form may have any other name",
    }
    # Options as fields are told in words only: the page of the document would fill in each with
    # the least that fits, and have no more than a second of a recording heard.
    form = {"type": "object", "required": [FILE_FIELD], "properties": {FILE_FIELD: file}}
    body = {"schema": {"type": "string", "format": "binary"}}
    operation["requestBody"] = {
        "required": True,
        "description": "The audio file: in a form, or its bytes as the body. Each parameter of the "
        "query may be a field of the form instead. The body may be compressed with gzip or "
        "deflate.",
        "content": {
            "multipart/form-data": {"schema": form},
            **dict.fromkeys(MEDIA_TYPES, body),
        },
    }
    return operation
