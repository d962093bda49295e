"""A worker on one host is killed, and the other host switched off: nothing is lost.

``python -m tests.proof hosts`` also cuts one off, which Dask notices only after a while.
"""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from service.library.question import Question
from service.library.run import Order, run
from service.library.state import State
from tests.namespaces import may_make_networks
from tests.proof.hosts import DESK, FIRST, SECOND, cluster
from tests.service.library.libraries import TASKS, InlineEngine, write_song
from tests.service.library.started import Started

COUNT = 60
SONG_S = 10.0

pytestmark = pytest.mark.skipif(
    not may_make_networks(), reason="this user may make no network namespaces here"
)


def test_the_table_does_not_show_that_hosts_were_lost(models_dir: Path, tmp_path: Path) -> None:
    music = tmp_path / "music"
    for n in range(COUNT):
        write_song(music / f"{n:03}.wav", duration_s=SONG_S, amplitude=0.3 + n / 200)
    tables = [tmp_path / f"{name}.csv" for name in ("undisturbed", "disturbed")]
    with closing(State(tmp_path / "undisturbed.state")) as state:
        order = Order((str(music),), tables[0], Question(tasks=TASKS))
        run(order, state, InlineEngine(models_dir))

    ask = [str(music), "--models", str(models_dir)]
    with cluster(tmp_path) as hosts:
        command = [sys.executable, "-m", "service.library", *ask, "--out", str(tables[1])]
        at_desk = hosts.net.at(DESK, *command, "--scheduler", hosts.address)
        started = Started(at_desk, tmp_path / "log")
        started.wait_until_classified(COUNT // 5)
        hosts.kill_worker(FIRST)
        started.wait_until_classified(2 * COUNT // 5)
        hosts.switch_off(SECOND)  # the rest is left to what replaces the worker killed
        assert started.process.wait() == 0

    assert tables[1].read_bytes() == tables[0].read_bytes()
