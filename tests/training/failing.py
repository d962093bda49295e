"""Run commands that must fail."""

import pytest

from training.cli import main


def assert_fails(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    """Run a command that must fail with 2 and a message; return the message."""
    assert main(command) == 2
    message = capsys.readouterr().err
    assert "Traceback" not in message
    lines = [line for line in message.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1
    return lines[0]
