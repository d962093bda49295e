import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.telemetry import logs

logger = logging.getLogger("some.module")


@contextmanager
def configured(level: str, form: str) -> Iterator[None]:
    """Configure logging as the service does, and put it back afterwards."""
    root = logging.getLogger()
    handlers, old_level = root.handlers[:], root.level
    root.handlers.clear()
    logs.configure(level, form)
    yield
    root.handlers[:] = handlers
    root.setLevel(old_level)


def test_a_json_line_holds_the_message_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    with configured("info", "json"):
        logger.info("%d clips\nof ü", 3, extra={"fields": {"status": 200}})
        logger.debug("not told")

    (line,) = capsys.readouterr().err.splitlines()

    told = json.loads(line)
    assert told.pop("time").endswith("+00:00")
    assert told == {
        "level": "info",
        "logger": "some.module",
        "message": "3 clips\nof ü",
        "status": 200,
    }


def test_a_crash_is_told_in_the_same_line(capsys: pytest.CaptureFixture[str]) -> None:
    with configured("info", "json"):
        logger.error("failed", exc_info=RuntimeError("broken"))

    (line,) = capsys.readouterr().err.splitlines()

    assert "RuntimeError: broken" in json.loads(line)["exception"]


def test_text_is_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    with configured("warning", "text"):
        logger.warning("mind this")
    assert capsys.readouterr().err.rstrip().endswith("WARNING some.module: mind this")


def test_warnings_that_tell_bytes_of_an_upload_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with configured("debug", "json"):
        logging.getLogger("python_multipart.multipart").warning("Expected 255, got 98")
    assert capsys.readouterr().err == ""
