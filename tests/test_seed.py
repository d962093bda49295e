import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.seed import Seed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is forked")

ASKED = "import os, sys; print(os.getpid(), 'test_made_up' in sys.modules, sys.stdin.readline())"


def answer(seed: Seed, line: str) -> list[str]:
    """Start a process as pytest-xdist does, and return the words it says."""
    command = shlex.split(seed.spec.removeprefix("popen//python="))
    done = subprocess.run(  # noqa: S603  # our own command
        [*command, "-u", "-c", "import sys;exec(eval(sys.stdin.readline()))"],
        input=f"{ASKED!r}\n{line}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split()


def test_forks_have_what_was_collected_and_speak_through_the_files_of_their_command(
    tmp_path: Path,
) -> None:
    made_up = tmp_path / "test_made_up.py"
    made_up.write_text("def test_nothing() -> None:\n    pass\n", "utf-8")
    seed = Seed([str(made_up)])
    try:
        first, second = answer(seed, "one"), answer(seed, "two")
    finally:
        seed.close()

    assert first[1:] == ["True", "one"]
    assert second[1:] == ["True", "two"]
    assert first[0] != second[0]


def test_what_computes_while_it_is_collected_is_refused(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    computing = tmp_path / "test_computing.py"
    computing.write_text(
        "import threading\n"
        "def wait():\n"
        "    with open('/proc/thread-self/comm', 'w') as name:\n"
        "        name.write('tf_Compute')\n"
        "    named.set()\n"
        "    threading.Event().wait()\n"
        "named = threading.Event()\n"
        "threading.Thread(target=wait, daemon=True).start()\n"
        "named.wait()\n",
        "utf-8",
    )
    Seed([str(computing)]).close()
    assert "compute in a fixture" in capfd.readouterr().err
