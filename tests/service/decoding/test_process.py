import gc
import socket
import weakref

import numpy as np
import pytest

from service.decoding import process
from service.errors import TooManySeconds


def test_what_a_refused_recording_held_is_let_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []

    def refuse(*_: object) -> None:
        samples = np.zeros(1_000)
        held.append(weakref.ref(samples))
        raise TooManySeconds("It plays too long.")

    monkeypatch.setattr(process, "_limit_resources", lambda *_: None)
    monkeypatch.setattr(process, "hear", refuse)
    ours, theirs = socket.socketpair()
    gc.disable()  # which breaks circles, but too late for the next upload
    try:
        with ours, theirs:
            header = process.answer(b"", process.Sender(theirs, [16_000]), {}, {}, 1.0)
    finally:
        gc.enable()

    assert header == {"problem": "too-many-seconds", "detail": "It plays too long."}
    assert [reference() for reference in held] == [None]
