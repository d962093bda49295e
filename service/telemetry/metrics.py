"""The figures that Prometheus may scrape at ``GET /metrics``.

A counter that is not there and one that stands at zero are two things to an alert, so whatever
label values are known beforehand are there from the start.
"""

from collections.abc import Iterable, Mapping
from threading import Lock
from typing import Literal, get_args

from prometheus_client import Counter, Gauge, Histogram, generate_latest

from service.audio.decode import Clip
from service.errors import Overloaded, ServiceError, problem_kinds
from service.inference.bundle_files import MODEL_FILE
from service.inference.classification import Classification
from service.inference.registry import Entry

_exposing = Lock()

# The product's name, which tells these figures from those of others in one Prometheus.
PREFIX = "music_classification_"
REPLACEMENTS = ("hung", "crashed", "killed")
EARLY_ENDS = ("late_head", "untaken_answer", "gave_way", "refused")
EndingKind = Literal[
    "ended", "left", "refused", "stopping", "too-slow", "too-long", "crashed", "cut-off"
]
# What stands for the task where all of them were asked for.
ALL_TASKS = "all"

REQUESTS = Counter(
    PREFIX + "requests",
    "Requests by path, method, task, status and kind of problem",
    ["path", "method", "task", "status", "problem"],
)
LATENCY = Histogram(
    PREFIX + "request_duration_seconds",
    "Time from the request's arrival to the end of its answer",
    ["path", "task", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
STAGES = Histogram(
    PREFIX + "stage_duration_seconds",
    "Time that a request spent in each stage",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PROBLEMS = Counter(PREFIX + "problems", "Problem documents sent, by kind", ["kind"])
PENDING = Gauge(
    PREFIX + "pending_clips", "Uploads that are received, wait for a worker or are being classified"
)
QUEUED = Gauge(PREFIX + "queued_clips", "Uploads that are complete and wait for a worker")
DECODED_SECONDS = Counter(PREFIX + "decoded_seconds", "Seconds of audio decoded", ["format"])
ANSWERS = Counter(
    PREFIX + "answers",
    "Answers by task and label, and whether they were uncertain",
    ["task", "label", "uncertain"],
)
DECODERS_REPLACED = Counter(
    PREFIX + "decoders_replaced", "Decoder processes that hung, crashed or were killed", ["reason"]
)
CONNECTIONS_ENDED = Counter(
    PREFIX + "connections_ended",
    f"Connections ended early: {', '.join(EARLY_ENDS)}",
    ["reason"],
)
STREAMS = Gauge(PREFIX + "streams", "Streams that are open")
STREAMS_ENDED = Counter(
    PREFIX + "streams_ended",
    "Streams that ended or were refused, by task, by how, and by the problem that kept one out",
    ["task", "ending", "problem"],
)
STREAM_SECONDS = Counter(PREFIX + "stream_seconds", "Seconds of audio heard in streams")
STREAM_WAITING = Histogram(
    PREFIX + "stream_waiting_seconds",
    "Audio of a stream that had come but was not heard yet when an answer went out",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
MODELS = Gauge(
    PREFIX + "model_info",
    "One for each model, with its state",
    ["task", "state", "version", "sha256"],
)
OUTDATED = Gauge(
    PREFIX + "model_outdated",
    "1 while a model serves as before because the bundle that is there now failed",
    ["task"],
)
READY = Gauge(PREFIX + "ready", "1 while /health/ready answers 200")
WORKERS = Gauge(PREFIX + "workers", "Clips that can be classified at the same time")
KEY_REQUESTS = Counter(
    PREFIX + "key_requests", "Requests by the name of their API key", ["key", "status"]
)
RATE_LIMITED = Counter(PREFIX + "rate_limited", "Requests refused because a client sent too many")


def _begin_at_zero(counter: Counter, values: Iterable[str]) -> None:
    for value in values:
        counter.labels(value)


_begin_at_zero(DECODERS_REPLACED, REPLACEMENTS)
_begin_at_zero(CONNECTIONS_ENDED, EARLY_ENDS)
_begin_at_zero(PROBLEMS, problem_kinds())


def count_answers(clip: Clip, answers: Mapping[str, Classification]) -> None:
    """Count what was decoded and what was said about it."""
    DECODED_SECONDS.labels(clip.format).inc(clip.duration_s)
    for task, answer in answers.items():
        ANSWERS.labels(task, answer.label, str(answer.uncertain).lower()).inc()


def exposition(entries: Mapping[str, Entry], *, ready: bool) -> bytes:
    """Return all figures as Prometheus takes them, with the present models.

    It takes some milliseconds, and may run in any thread.
    """
    with _exposing:  # or another one may find no models between two lines
        show_models(entries)
        READY.set(ready)
        return generate_latest()


def show_models(entries: Mapping[str, Entry]) -> None:
    """State the present models instead of those of the last time."""
    MODELS.clear()
    OUTDATED.clear()
    for task, entry in entries.items():
        card = entry.bundle.card if entry.bundle else None
        version = card.version if card else ""
        sha256 = card.sha256[MODEL_FILE] if card else ""
        MODELS.labels(task, entry.state, version, sha256).set(1)
        OUTDATED.labels(task).set(entry.outdated)
        if card:
            _begin_task_at_zero(task, card.labels)


def _begin_task_at_zero(task: str, labels: Iterable[str]) -> None:
    for label in labels:
        for uncertain in ("false", "true"):
            ANSWERS.labels(task, label, uncertain)
    _begin_uploads_at_zero("/classify/{task}", task)
    _begin_streams_at_zero(task)


def _begin_uploads_at_zero(path: str, task: str) -> None:
    for status, problem in (
        (200, ""),
        (ServiceError.status, ServiceError.slug()),
        (Overloaded.status, Overloaded.slug()),
    ):
        REQUESTS.labels(path, "POST", task, str(status), problem)


def _begin_streams_at_zero(task: str) -> None:
    for ending in get_args(EndingKind):
        STREAMS_ENDED.labels(task, ending, "")


_begin_uploads_at_zero("/classify", ALL_TASKS)
_begin_streams_at_zero(ALL_TASKS)
