"""Show on a terminal what a service hears."""

import json
import shutil
from contextlib import suppress
from typing import Any, TextIO

from service.listen.errors import ListenError

BAR_WIDTH = 12
QUIETEST_DB = -60.0
CLEAR_LINE = "\r\x1b[K"

Answer = dict[str, Any]


class Display:
    """Writes answers: one line that changes on a terminal, a line each elsewhere.

    Parameters
    ----------
    out
        Where to.
    task
        The only task that was asked for; None for all.
    as_json
        Whether to write the answers as they came.
    """

    def __init__(self, out: TextIO, task: str | None, *, as_json: bool = False) -> None:
        self._out = out
        self._task = task
        self._as_json = as_json
        self._live = out.isatty() and not as_json

    def show(self, answer: Answer) -> None:
        """Show an answer.

        Raises
        ------
        ListenError
            It cannot be written.
        """
        line = json.dumps(answer) if self._as_json else describe(answer, self._task)
        end = "\n"
        if self._live:
            line = CLEAR_LINE + line[: shutil.get_terminal_size().columns - 1]
            end = "\n" if answer.get("final") else ""
        try:
            self._out.write(line + end)
            self._out.flush()
        except OSError as error:
            with suppress(OSError):  # else Python tries it once more at its end, and tells
                self._out.close()
            raise ListenError(f"The answers cannot be written: {error.strerror}.") from error


def describe(answer: Answer, task: str | None) -> str:
    """Return an answer as a line of text: time, level, what sounds now, and so far."""
    now, so_far = answer["now"], answer["so_far"]
    if task is not None:
        now, so_far = {task: now}, {task: so_far}
    parts = [f"{_said(now[name])} [{_label(so_far[name])}]" for name in now]
    return f"{_clock(answer['heard_s'])} {_bar(answer['level_db'])}  {'  '.join(parts)}"


def _said(said: Answer) -> str:
    # Of what is no music, nobody asks how sure the guess is.
    sure = "" if "heard_instead" in said else f"{said['confidence']:.0%}"
    return f"{_label(said):>8} {sure:>4}"


def _label(said: Answer) -> str:
    if "heard_instead" in said:
        return str(said["heard_instead"])
    label = "no chord" if said["label"] == "N" else str(said["label"])
    return f"{label}?" if said["uncertain"] else label


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):3}:{rest:04.1f}"


def _bar(level_db: float) -> str:
    filled = round(BAR_WIDTH * min(1.0, max(0.0, 1 - level_db / QUIETEST_DB)))
    return "█" * filled + "░" * (BAR_WIDTH - filled)
