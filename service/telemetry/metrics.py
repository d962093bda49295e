"""The figures that Prometheus may scrape at ``GET /metrics``."""

from collections.abc import Mapping

from prometheus_client import Counter, Gauge, Histogram

from service.audio.decode import Clip
from service.inference.bundle import MODEL_FILE
from service.inference.classification import Classification
from service.inference.registry import Entry

REQUESTS = Counter(
    "service_requests",
    "Requests by path, method, task, status and kind of problem",
    ["path", "method", "task", "status", "problem"],
)
LATENCY = Histogram(
    "service_request_duration_seconds",
    "Time from the request's arrival to the end of its answer",
    ["path"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
STAGES = Histogram(
    "service_stage_duration_seconds",
    "Time that a request spent in each stage",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
PROBLEMS = Counter("service_problems", "Problem documents sent, by kind", ["kind"])
PENDING = Gauge(
    "service_pending_clips", "Uploads that are received, wait for a worker or are being classified"
)
QUEUED = Gauge("service_queued_clips", "Uploads that are complete and wait for a worker")
DECODED_SECONDS = Counter("service_decoded_seconds", "Seconds of audio decoded", ["format"])
ANSWERS = Counter(
    "service_answers",
    "Answers by task and label, and whether they were uncertain",
    ["task", "label", "uncertain"],
)
DECODERS_REPLACED = Counter(
    "service_decoders_replaced", "Decoder processes that hung, crashed or were killed", ["reason"]
)
CONNECTIONS_ENDED = Counter(
    "service_connections_ended",
    "Connections ended early: late_head, untaken_answer, gave_way or refused",
    ["reason"],
)
STREAMS = Gauge("service_streams", "Streams that are open")
STREAMS_ENDED = Counter(
    "service_streams_ended",
    "Streams that ended or were refused, by task, by how, and by the problem that kept one out",
    ["task", "ending", "problem"],
)
STREAM_SECONDS = Counter("service_stream_seconds", "Seconds of audio heard in streams")
STREAM_WAITING = Histogram(
    "service_stream_waiting_seconds",
    "Audio of a stream that had come but was not heard yet when an answer went out",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
MODELS = Gauge(
    "service_model_info",
    "One for each model, with its state",
    ["task", "state", "version", "sha256"],
)


def count_answers(clip: Clip, answers: Mapping[str, Classification]) -> None:
    """Count what was decoded and what was said about it."""
    DECODED_SECONDS.labels(clip.format).inc(clip.duration_s)
    for task, answer in answers.items():
        ANSWERS.labels(task, answer.label, str(answer.uncertain).lower()).inc()


def show_models(entries: Mapping[str, Entry]) -> None:
    """State the present models instead of those of the last time."""
    MODELS.clear()
    for task, entry in entries.items():
        card = entry.bundle.card if entry.bundle else None
        version = card.version if card else ""
        sha256 = card.sha256[MODEL_FILE] if card else ""
        MODELS.labels(task, entry.state, version, sha256).set(1)
