"""The columns of the table, the same in every format: one row a file."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from service.library.question import Models, Question, TaskModel
from service.library.state import Row
from service.schemas import Embedding, TaskResult

Value = Any
Kind = str
"""``text``, ``truth``, ``whole``, ``number``, ``time``, ``texts``, ``numbers``, ``shares``,
``segments`` or ``chords``, which are segments with a bass."""


@dataclass(frozen=True)
class Column:
    """One column: its name, what kind of value it holds, and how it is found in a row."""

    name: str
    kind: Kind
    of: Callable[[Row], Value]


def columns(question: Question, models: Models) -> list[Column]:
    """Return the columns of the answers to a question, in order."""
    of_tasks = [
        column for task in question.tasks for column in _of_task(task, models[task], question)
    ]
    return [
        *_OF_FILE,
        *_OF_AUDIO,
        *(_OF_EXCERPT if question.excerpt else ()),
        *of_tasks,
        *(_OF_EMBEDDING if question.embedding else ()),
    ]


def shown(name: str) -> str:
    """Return a file's name as text, where it is none with its odd bytes spelled out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _modified(row: Row) -> datetime | None:
    return datetime.fromtimestamp(row.modified_ns / 1e9, UTC) if row.modified_ns else None


def _audio(name: str) -> Callable[[Row], Value]:
    return lambda row: None if row.answers is None else getattr(row.answers.audio, name)


_OF_FILE = [
    Column("file", "text", lambda row: shown(row.file)),
    Column("size_bytes", "whole", lambda row: row.size_bytes),
    Column("modified", "time", _modified),
    Column("content_sha256", "text", lambda row: row.sha256),
    Column("problem", "text", lambda row: row.slug),
    Column("problem_detail", "text", lambda row: row.detail),
]
_OF_AUDIO = [
    Column("duration_s", "number", _audio("duration_s")),
    Column("sample_rate_hz", "whole", _audio("sample_rate_hz")),
    Column("channels", "whole", _audio("channels")),
    Column("format", "text", _audio("format")),
    Column("warnings", "texts", _audio("warnings")),
]


def _excerpt_start_s(row: Row) -> Value:
    excerpt = None if row.answers is None else row.answers.audio.excerpt
    return None if excerpt is None else excerpt.start_s


_OF_EXCERPT = [Column("excerpt_start_s", "number", _excerpt_start_s)]


def _embedding(of: Callable[[Embedding], Value]) -> Callable[[Row], Value]:
    """Look at the first embedding: the tasks that have one share their network."""

    def find(row: Row) -> Value:
        results = () if row.answers is None else row.answers.results.values()
        embedding = next((r.embedding for r in results if r.embedding is not None), None)
        return None if embedding is None else of(embedding)

    return find


_OF_EMBEDDING = [
    Column("embedding", "numbers", _embedding(lambda embedding: embedding.values)),
    Column("embedding_sha256", "text", _embedding(lambda embedding: embedding.sha256)),
]


def _of_task(task: str, model: TaskModel, question: Question) -> list[Column]:
    def column(name: str, kind: Kind, of: Callable[[TaskResult], Value]) -> Column:
        return Column(f"{task}_{name}", kind, lambda row: _from_result(row, task, of))

    found = [
        column("label", "text", lambda result: result.label),
        column("confidence", "number", lambda result: result.confidence),
        column("uncertain", "truth", lambda result: result.uncertain),
    ]
    found += [column(f"p_{label}", "number", _probability_of(label)) for label in model.labels]
    if model.tells_music:
        found.append(column("music", "number", lambda result: result.music))
    found += [column(f"rating_{name}", "number", _rating_of(name)) for name in model.ratings]
    found += [
        column("model_version", "text", lambda result: result.model.version),
        column("model_sha256", "text", lambda result: result.model.sha256),
    ]
    if model.joins:
        found += [
            column("shares", "shares", _shares),
            column("key", "text", lambda result: result.key and result.key.label),
            column(
                "key_probability", "number", lambda result: result.key and result.key.probability
            ),
            column("tuning_cents", "number", lambda result: result.tuning_cents),
        ]
    if question.timeline:
        found += [column(f"spread_{label}", "number", _spread_of(label)) for label in model.labels]
        if model.lab_labels is None:
            found.append(column("timeline", "segments", _segments))
        else:
            found.append(column("timeline", "chords", _chords))
    return found


def _probability_of(label: str) -> Callable[[TaskResult], Value]:
    return lambda result: result.probabilities.get(label)


def _spread_of(label: str) -> Callable[[TaskResult], Value]:
    return lambda result: (result.spread or {}).get(label)


def _rating_of(name: str) -> Callable[[TaskResult], Value]:
    return lambda result: (result.ratings or {}).get(name)


def _from_result(row: Row, task: str, of: Callable[[TaskResult], Value]) -> Value:
    result = None if row.answers is None else row.answers.results.get(task)
    return None if result is None else of(result)


def _shares(result: TaskResult) -> list[dict[str, Value]]:
    return [chord.model_dump() for chord in result.chords or []]


def _segments(result: TaskResult) -> list[dict[str, Value]]:
    return [
        {
            "start_s": segment.start_s,
            "end_s": segment.end_s,
            "label": segment.label,
            "confidence": segment.confidence,
            "probabilities": [
                {"label": label, "probability": probability}
                for label, probability in segment.probabilities.items()
            ],
        }
        for segment in result.timeline or []
    ]


def _chords(result: TaskResult) -> list[dict[str, Value]]:
    basses = [segment.bass for segment in result.timeline or []]
    return [
        {**segment, "bass": None if bass is None else bass.model_dump()}
        for segment, bass in zip(_segments(result), basses, strict=True)
    ]
