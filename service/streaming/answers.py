"""Write what was heard of a stream as the server's message."""

from collections.abc import Mapping
from typing import Literal

from service.answers import TIME_DIGITS, task_result
from service.inference.classification import Classification
from service.streaming.protocol import Said, StreamAnswer, TaskStreamAnswer
from service.streaming.session import Heard


def answer_json(heard: Heard, single: str | None, *, final: bool) -> str:
    """Return the message.

    Parameters
    ----------
    heard
        What was heard.
    single
        The only task that was asked for; None for all, which the message then names.
    final
        Whether it is the last one.
    """
    now, so_far = _said(heard.now), _said(heard.so_far)
    heard_s = round(heard.heard_s, TIME_DIGITS)
    last: Literal[True] | None = True if final else None
    answer: TaskStreamAnswer | StreamAnswer
    if single is None:
        answer = StreamAnswer(
            heard_s=heard_s, level_db=heard.level_db, now=now, so_far=so_far, final=last
        )
    else:
        answer = TaskStreamAnswer(
            heard_s=heard_s,
            level_db=heard.level_db,
            now=now[single],
            so_far=so_far[single],
            final=last,
        )
    return answer.model_dump_json(exclude_none=True)


def _said(classifications: Mapping[str, Classification]) -> dict[str, Said]:
    return {
        task: Said.model_validate(task_result(task, answer, top_k=None), from_attributes=True)
        for task, answer in classifications.items()
    }
