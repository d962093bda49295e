"""Start services as forks of a process that has loaded their code, which takes half of a start."""

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(["service.__main__"])


class Forked:
    """A service, with what tests ask of a process as ``subprocess.Popen`` has it.

    Parameters
    ----------
    environment
        Its variables, all of them.
    folder
        Where it works.
    log
        Takes what it says.
    """

    def __init__(self, environment: Mapping[str, str], folder: Path, log: Path) -> None:
        log.write_bytes(b"")
        self._process = _FORKS.Process(target=_serve, args=(dict(environment), folder, log))
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or None while the process runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code once there is one."""
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            assert timeout is not None
            raise subprocess.TimeoutExpired("service", timeout)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal, if the process runs."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process, if it runs."""
        self.send_signal(signal.SIGKILL)

    def __enter__(self) -> "Forked":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wait()


def _serve(environment: dict[str, str], folder: Path, log: Path) -> None:
    """Become a service, in a new process."""
    from service.__main__ import main  # noqa: PLC0415  # loaded there before

    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    with log.open("ab") as output:
        for number in (1, 2):
            os.dup2(output.fileno(), number)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["service"]
    sys.exit(main())
