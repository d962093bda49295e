import io
import json
from typing import Any

import pytest

from service.listen.display import CLEAR_LINE, Display, describe


def said(label: str, confidence: float = 0.9, *, uncertain: bool = False) -> dict[str, Any]:
    return {"label": label, "confidence": confidence, "uncertain": uncertain}


CHORD = {"heard_s": 75.25, "level_db": -30.0, "now": said("Am"), "so_far": said("C")}
ALL = {
    "heard_s": 3.0,
    "level_db": -100.0,
    "now": {"chord": said("N", 0.5, uncertain=True), "genre": said("rock")},
    "so_far": {"chord": said("F#m"), "genre": said("jazz", uncertain=True)},
    "final": True,
}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_an_answer_is_a_line_with_time_level_and_what_sounds() -> None:
    line = describe(CHORD, "chord")
    assert line.split() == ["1:15.2", "██████░░░░░░", "Am", "90%", "[C]"]


def test_all_tasks_are_shown_with_doubts_and_silence_in_words() -> None:
    line = describe(ALL, None)
    assert "░" * 12 in line
    assert "no chord?  50% [F#m]" in line
    assert "rock  90% [jazz?]" in line


def test_what_is_no_music_is_named_and_no_confidence_told() -> None:
    silence = said("rock", 0.3, uncertain=True) | {"heard_instead": "silence"}
    answer = CHORD | {"now": {"genre": silence}, "so_far": {"genre": said("jazz")}}
    assert describe(answer, None).split()[2:] == ["silence", "[jazz]"]
    speech = silence | {"heard_instead": "speech"}
    assert describe(CHORD | {"so_far": speech}, "genre").endswith(" [speech]")


def test_elsewhere_than_on_a_terminal_each_answer_is_a_line() -> None:
    out = io.StringIO()
    display = Display(out, "chord")
    display.show(CHORD)
    display.show(CHORD)
    assert out.getvalue() == 2 * f"{describe(CHORD, 'chord')}\n"


def test_on_a_terminal_one_line_changes_until_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    out = Terminal()
    display = Display(out, None)
    display.show(ALL | {"final": None})
    display.show(ALL)
    first, second = out.getvalue().split(CLEAR_LINE)[1:]
    assert len(first) == 29
    assert second == f"{first}\n"


def test_programs_get_the_answers_as_they_came() -> None:
    out = Terminal()
    Display(out, None, as_json=True).show(ALL)
    assert json.loads(out.getvalue()) == ALL
