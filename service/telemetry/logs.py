"""How log lines look: one JSON object each, or text for people."""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Literal

Form = Literal["auto", "json", "text"]

TEXT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON, with the fields that it carries besides its message."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without its end."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class TextFormatter(logging.Formatter):
    """Writes a record as a line of text, with the fields that it carries behind its message."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # as in logging
        """Return the line, without its end and without what was raised."""
        fields: dict[str, object] = getattr(record, "fields", {})
        told = (
            f"{name}={_plain(value)}" for name, value in fields.items() if value not in ("", {})
        )
        return " ".join([super().formatMessage(record), *told])


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ",".join(f"{name}:{part}" for name, part in value.items())
    return str(value)


def configure(level: str, form: Form) -> None:
    """Make every logger of the process write to standard error, in one of both forms.

    ``auto`` is text where a person looks on, and JSON where a program does.
    """
    if form == "auto":
        form = "text" if sys.stderr.isatty() else "json"
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    # That it starts and stops is told in our own words.
    logging.getLogger("uvicorn.error").addFilter(_is_no_routine)
    # What it warns of are forms that are answered with a problem, and it tells bytes of them.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    logging.basicConfig(level=level.upper(), handlers=[handler])


def _is_no_routine(record: logging.LogRecord) -> bool:
    return record.levelno > logging.INFO
