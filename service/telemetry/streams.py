"""What becomes of one stream: for its log line and its figures."""

import logging
from dataclasses import dataclass

from starlette.types import Scope

from service.telemetry import metrics
from service.telemetry.record import record, route_path
from service.telemetry.request_id import request_id

logger = logging.getLogger(__name__)


@dataclass
class StreamRecord:
    """What is noted of one stream, never anything that tells a person or what was heard.

    Attributes
    ----------
    task
        The task that was asked for, or ``all``; empty where there is none of that name, and where
        the stream was refused before that was looked at.
    ending
        Why it ended, in one word; ``cut-off`` if nobody had the time to say why.
    code
        What it was closed with; None where the client left first or it never began.
    heard_s
        Seconds of audio that were heard.
    received_bytes
        Size of all audio.
    answers
        Messages that the client got.
    """

    task: str = ""
    ending: metrics.EndingKind = "cut-off"
    code: int | None = None
    heard_s: float = 0.0
    received_bytes: int = 0
    answers: int = 0


def finish_stream(scope: Scope, noted: StreamRecord, seconds: float) -> None:
    """Count and log a stream that has ended, or was refused before it began."""
    path = route_path(scope)
    asked = record(scope)
    problem = asked.problem
    metrics.STREAMS_ENDED.labels(noted.task, noted.ending, problem).inc()
    metrics.STREAM_SECONDS.inc(noted.heard_s)
    identifier = request_id(scope)
    fields = {
        "request_id": identifier,
        "client": asked.client,
        "key": asked.key,
        "path": path,
        "task": noted.task,
        "ending": noted.ending,
        "code": noted.code,
        "problem": problem,
        "duration_s": round(seconds, 3),
        "audio_s": round(noted.heard_s, 3),
        "received_bytes": noted.received_bytes,
        "answers": noted.answers,
    }
    logger.info(
        "stream %s: %s %s after %.1f s",
        identifier,
        path,
        noted.ending,
        seconds,
        extra={"fields": fields},
    )
