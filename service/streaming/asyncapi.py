"""Describe the streams as an AsyncAPI 3 document."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema
from starlette.datastructures import URL

from service import __version__
from service.streaming.protocol import StreamAnswer, StreamEnd, StreamStart, TaskStreamAnswer

DESCRIPTION = """
Music is heard while it sounds: declare the audio in a first JSON message, then send it in binary
messages, cut wherever you like. Twice a second of audio, and as soon as the chord changes, an
answer tells what sounds now and what is to say of all that was heard.
"""
_CLIENTS_MESSAGES = ("start", "audio", "end")
_START = {"sample_rate_hz": 44_100, "channels": 1, "encoding": "pcm_s16le"}


def asyncapi_document(base_url: URL, tasks: Sequence[str]) -> dict[str, Any]:
    """Return the document.

    Parameters
    ----------
    base_url
        Where the service was asked.
    tasks
        The names of all tasks.
    """
    secure = base_url.scheme in ("https", "wss")
    server = {"host": base_url.netloc, "protocol": "wss" if secure else "ws"}
    if (pathname := base_url.path.rstrip("/")) != "":
        server["pathname"] = pathname
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Music classification, live",
            "version": __version__,
            "description": DESCRIPTION,
        },
        "defaultContentType": "application/json",
        "servers": {"here": server},
        "channels": {
            "all": _channel("/stream", "answer", "All tasks at once."),
            "task": _channel("/stream/{task}", "task_answer", "One task.")
            | {"parameters": {"task": {"description": "Whose answers", "enum": list(tasks)}}},
        },
        "operations": _operations("all", "answer") | _operations("task", "task_answer"),
        "components": {"messages": _messages(), "schemas": schemas()},
    }


def _channel(address: str, answer: str, description: str) -> dict[str, Any]:
    names = (*_CLIENTS_MESSAGES, answer)
    return {
        "address": address,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": {"ws": {"method": "GET"}},
    }


def _operations(channel: str, answer: str) -> dict[str, Any]:
    """Describe what the service does on a channel: it receives audio and sends answers."""
    of_channel = f"#/channels/{channel}"
    return {
        f"hear_{channel}": {
            "action": "receive",
            "channel": {"$ref": of_channel},
            "messages": [{"$ref": f"{of_channel}/messages/{name}"} for name in _CLIENTS_MESSAGES],
        },
        f"say_{channel}": {
            "action": "send",
            "channel": {"$ref": of_channel},
            "messages": [{"$ref": f"{of_channel}/messages/{answer}"}],
        },
    }


def _messages() -> dict[str, Any]:
    def of(schema: type, summary: str, *examples: dict[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = {
            "summary": summary,
            "payload": {"$ref": f"#/components/schemas/{schema.__name__}"},
        }
        return message | ({"examples": [{"payload": e} for e in examples]} if examples else {})

    return {
        "start": of(StreamStart, "First: what audio will come.", _START),
        "audio": {
            "summary": "Then, again and again: interleaved samples, cut anywhere.",
            "contentType": "application/octet-stream",
            "payload": {"type": "string", "format": "binary"},
        },
        "end": of(StreamEnd, "Last: there is no more; the final answer is wanted.", {"end": True}),
        "answer": of(StreamAnswer, "Twice a second: what all tasks' models say."),
        "task_answer": of(TaskStreamAnswer, "Twice a second: what one task's model says."),
    }


@cache
def schemas() -> dict[str, Any]:
    """Return the schemas of all messages by name, made once."""
    models = (StreamStart, StreamEnd)
    answers = (StreamAnswer, TaskStreamAnswer)
    _, described = models_json_schema(
        [*((m, "validation") for m in models), *((a, "serialization") for a in answers)],
        ref_template="#/components/schemas/{model}",
    )
    by_name: dict[str, Any] = described["$defs"]
    return by_name
