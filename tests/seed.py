"""Start the processes of the tests as forks of one that has collected them.

To load TensorFlow and all else that is tested, and to make the assertions of some hundred files
tell more, takes each process some seconds. One does it for all of them here, and they share its
memory.

pytest-xdist starts a process by a command and speaks to it through its standard files. The command
given to it here hands these files over to the process that has collected, and ends; a fork of that
one goes on with them as Python would.
"""

import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

STANDARD_FILES = (0, 1, 2)


class Seed:
    """A process that collects tests and is forked from then on, until it is closed.

    Parameters
    ----------
    arguments
        Files, folders and tests to collect, as they are given to pytest.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tests-")
        address = str(Path(self._folder.name) / "socket")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(address)
            listener.listen()
            self._process = subprocess.Popen(  # noqa: S603  # our own command
                [sys.executable, __file__, str(listener.fileno()), *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                pass_fds=[listener.fileno()],
            )
        self.spec = f"popen//python={sys.executable} {__file__} {address}"

    def close(self) -> None:
        """End the process, once all that were forked from it have ended."""
        self._process.communicate()
        self._folder.cleanup()


def grow(listener: socket.socket, arguments: Sequence[str]) -> None:
    """Collect tests; return in each fork, and at last in the process itself.

    Raises
    ------
    SystemExit
        The tests cannot be run in forks, for what was collected has begun to compute.
    """
    import pytest  # noqa: PLC0415  # the command that only hands over needs none

    sys.path.insert(0, str(Path.cwd()))
    pytest.main(["--collect-only", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", *arguments])
    if any(name.startswith("tf_") for name in threads()):
        sys.exit(
            "A module of the tests computes with TensorFlow when it is imported. Forks have none "
            "of its threads and would wait for them for ever: compute in a fixture."
        )
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for those that run tests
    while listener in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        if not os.fork():
            signal.signal(signal.SIGINT, signal.default_int_handler)
            listener.close()
            go_on_with(connection)
            return
        connection.close()
    with suppress(ChildProcessError):
        while True:
            os.wait()


def threads() -> list[str]:
    """Return the names of this process's threads."""
    return [file.read_text("utf-8") for file in Path("/proc/self/task").glob("*/comm")]


def go_on_with(connection: socket.socket) -> None:
    """Do as ``python -c`` of the command whose standard files come over a connection."""
    files = socket.recv_fds(connection, 1, len(STANDARD_FILES))[1]
    connection.close()
    for file, number in zip(files, STANDARD_FILES, strict=True):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = os.fdopen(0, closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    # What pytest-xdist's own command consists of.
    exec(eval(sys.stdin.readline()), {"__name__": "__main__"})  # noqa: S102, S307


def hand_over(address: str) -> None:
    """Give the standard files of this process away."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(address)
        socket.send_fds(connection, [b"."], STANDARD_FILES)
        connection.recv(1)  # until they have arrived


if __name__ == "__main__":
    if sys.argv[1].isdigit():
        grow(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
    else:
        hand_over(sys.argv[1])
