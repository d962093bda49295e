"""A cluster of hosts that are killed, cut off and switched off: nothing is lost."""

import sys
from contextlib import closing
from pathlib import Path

import pytest

from service.library.question import Question
from service.library.run import Order, run
from service.library.state import State
from tests.namespaces import may_make_networks
from tests.proof.hosts import cluster, run_disturbed
from tests.service.library.libraries import TASKS, InlineEngine, write_song

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
        assert run_disturbed(hosts, command, COUNT, tmp_path / "log") == 0

    assert tables[1].read_bytes() == tables[0].read_bytes()
