import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from service.telemetry import logs

logger = logging.getLogger("some.module")


@contextmanager
def configured(level: str, form: logs.Form) -> Iterator[None]:
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


def test_text_tells_the_same_fields_but_those_that_are_empty(
    capsys: pytest.CaptureFixture[str],
) -> None:
    fields = {"status": 200, "task": "", "stages_ms": {"queue": 0.1, "decode": 5.0}, "bytes": 0}
    with configured("info", "text"):
        logger.info("answered", extra={"fields": fields})
    line = capsys.readouterr().err.rstrip()
    assert line.endswith("answered status=200 stages_ms=queue:0.1,decode:5.0 bytes=0")


@pytest.mark.parametrize("terminal", [True, False])
def test_a_terminal_gets_text_and_a_program_json(
    terminal: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with configured("info", "auto"):
        logger.info("hello")
    assert capsys.readouterr().err.startswith("{") != terminal


def test_what_the_server_says_of_itself_is_left_out_unless_it_warns(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with configured("debug", "json"):
        logging.getLogger("uvicorn.error").info("Started server process [1]")
        logging.getLogger("uvicorn.error").warning("mind this")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["message"] == "mind this"


def test_warnings_that_tell_bytes_of_an_upload_are_left_out(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with configured("debug", "json"):
        logging.getLogger("python_multipart.multipart").warning("Expected 255, got 98")
    assert capsys.readouterr().err == ""
