"""How the training job speaks: log lines, progress bars, and TensorFlow, which is kept quiet."""

import datetime
import json
import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

TALKATIVE = ("tensorflow", "tf2onnx", "absl", "distributed")


class JsonLines(logging.Formatter):
    """One JSON object a line, with ``time``, ``level`` and ``message``."""

    def format(self, record: logging.LogRecord) -> str:
        """Return a record as JSON."""
        time = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": time.isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
        }
        return json.dumps(line, ensure_ascii=False)


class AboveBars(logging.StreamHandler[TextIO]):
    """Writes lines above the progress bars, where they would otherwise end up within one."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record; it is as if there were no bars where there are none."""
        from tqdm import tqdm  # noqa: PLC0415  # it heeds what is set up here when it is imported

        with tqdm.external_write_mode(file=self.stream):
            super().emit(record)


def set_up_logs(*, quiet: bool, as_json: bool) -> None:
    """Write log lines to standard error; call it before anything heavy is imported.

    Parameters
    ----------
    quiet
        Whether to show only warnings and errors, and no progress bar.
    as_json
        Whether each line is JSON; then there is no progress bar among them.
    """
    handler = AboveBars(sys.stderr)
    handler.setFormatter(JsonLines() if as_json else logging.Formatter("%(levelname)s %(message)s"))
    root = logging.getLogger()
    root.handlers = [*[h for h in root.handlers if not _is_own(h)], handler]
    handler.set_name(__name__)
    root.setLevel(logging.WARNING if quiet else logging.INFO)
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    if quiet or as_json:
        os.environ["TQDM_DISABLE"] = "1"


@contextmanager
def without_warnings() -> Iterator[None]:
    """Read data in silence that are read again, for good, soon after."""
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)


def load_tensorflow() -> None:
    """Import TensorFlow without what it says of the processor, which no setting silences."""
    with _silent_standard_error():
        import tensorflow  # noqa: F401, PLC0415  # only once the arguments are known to be good


def _is_own(handler: logging.Handler) -> bool:
    return handler.get_name() == __name__


@contextmanager
def _silent_standard_error() -> Iterator[None]:
    """Send what compiled code writes to standard error nowhere; exceptions still rise."""
    sys.stderr.flush()
    kept = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
