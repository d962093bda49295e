import platform
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.audio.decode import Limits, Waveforms
from service.deadline import Deadline
from service.decoding import decoder
from service.decoding.pool import DecoderPool
from service.errors import UnusableAudio
from tests import prying_decoder
from tests.audio import RATE_HZ, encode, tone
from tests.server import ROOT

SOON_S = 30.0
LONE = """
import sys
from service.decoding import sandbox
for lock in sys.argv[1:]:
    def fail(_system):
        raise OSError("not in this kernel")
    setattr(sandbox, lock, fail)
sandbox.close_off()
try:
    open(sys.executable)
    print("opened")
except OSError:
    print("stopped")
"""

pytestmark = pytest.mark.skipif(
    sys.platform != "linux" or platform.machine() not in ("x86_64", "aarch64"),
    reason="no sandbox for this system",
)


@pytest.fixture
def prying(monkeypatch: pytest.MonkeyPatch) -> Iterator[DecoderPool]:
    monkeypatch.setattr(decoder, "COMMAND", prying_decoder.COMMAND)
    pool = DecoderPool(1)
    pool.start()
    yield pool
    pool.close()


def closed_off_without(*locks: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603  # our own code
        [sys.executable, "-c", LONE, *locks], cwd=ROOT, capture_output=True, text=True, check=True
    )


def test_a_decoder_that_a_file_has_taken_over_gets_nothing(
    prying: DecoderPool, tmp_path: Path
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("a key", "utf-8")
    soon = Deadline.within(SOON_S)
    prying.wait_until_ready(soon)
    before = prying.process_ids

    with pytest.raises(UnusableAudio) as caught:
        prying.decode(prying_decoder.PRY + bytes(secret), Waveforms([]), Limits(), soon)

    told = dict(part.split(": ") for part in caught.value.detail.split(", "))
    assert told == dict.fromkeys(prying_decoder.attempts(secret), prying_decoder.STOPPED)
    assert list(tmp_path.iterdir()) == [secret]
    assert prying.decode(encode(tone()), Waveforms([RATE_HZ]), Limits(), soon).duration_s == 2.0
    assert prying.process_ids == before


@pytest.mark.parametrize("missing", ["_lock_files", "_lock_descriptors", "_lock_calls"])
def test_what_a_system_lacks_is_told_and_the_other_locks_hold(missing: str) -> None:
    done = closed_off_without(missing)
    assert done.stdout.strip() == "stopped"
    assert "the decoder runs without" in done.stderr
    assert "not in this kernel" in done.stderr


def test_without_any_lock_a_decoder_still_starts() -> None:
    done = closed_off_without("_lock_files", "_lock_descriptors", "_lock_calls")
    assert done.stdout.strip() == "opened"
    assert done.stderr.count("the decoder runs without") == 3
