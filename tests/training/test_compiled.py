import fcntl
import importlib
from pathlib import Path
from threading import Thread

from tests.server import TIMEOUT_S
from training import compiled


def test_who_comes_second_waits_until_the_first_has_compiled_all() -> None:
    with Path(compiled.librosa.__file__).open("rb") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = Thread(target=importlib.reload, args=[compiled])
        second.start()
        second.join(0.1)
        assert second.is_alive()
    second.join(TIMEOUT_S)
    assert not second.is_alive()
