"""The measuring command in short, so that it keeps working; see ``python -m tests.proof speed``."""

import json
import os
import time
from pathlib import Path

import pytest

from service.audio.decode import decode
from tests.proof.memory import own_mib, process_tree, resident_mib
from tests.proof.speed import answers, lengths, loop, start
from tests.proof.speed.capacity import Load
from tests.proof.speed.clips import as_wav, fast_flac, long_mp3
from tests.proof.speed.processor import processor_s
from tests.proof.speed.rows import Row, as_json, table
from tests.server import COMMAND, pinned, service_process

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")

CORE = max(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (Row("it", 2.1, at_most=2.0), "NOT MET"),
        (Row("it", 1.9, at_most=2.0, processor=1.8), "met"),
        (Row("it", 1.9, at_most=2.0, processor=2.2), "met by the clock alone"),
        (Row("it", 2.1, at_most=2.0, processor=1.9), "met by processor time alone"),
        (Row("it", 1.8, at_least=1.9), "NOT MET"),
        (Row("it", 1.9, at_least=1.9), "met"),
        (Row("it", 1.9), ""),
    ],
)
def test_a_figure_is_held_to_its_goal(row: Row, verdict: str) -> None:
    assert row.verdict == verdict
    assert row.met is (verdict in ("", "met"))


def test_the_table_is_in_line_and_the_same_is_told_as_json() -> None:
    rows = [Row("one", 123.4, "ms", at_most=200, processor=1.234), Row("another", 0.5)]
    lines = table(rows).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert [cell.strip() for cell in lines[2].split("|")[1:-1]] == [
        "one",
        "123 ms",
        "<= 200",
        "met",
        "1.23 ms",
    ]
    assert [row["verdict"] for row in json.loads(as_json(rows))] == ["met", ""]


@pytest.mark.parametrize("duration_s", [1, 45])
def test_a_long_mp3_plays_as_long_as_it_should(duration_s: int) -> None:
    clip = decode(long_mp3(duration_s))
    assert clip.duration_s == pytest.approx(duration_s, abs=0.1)
    assert not [w for w in clip.warnings if not w.startswith("short")]


def test_the_other_files_are_what_they_should_be() -> None:
    assert decode(as_wav(long_mp3(2))).format == "wav"
    fast = decode(fast_flac(10))
    assert (fast.sample_rate_hz, fast.channels, fast.duration_s) == (192_000, 2, 10.0)


def test_processor_time_is_that_of_a_process_and_grows_with_its_work() -> None:
    before_s = processor_s(os.getpid())
    until_s = time.process_time() + 0.05
    while time.process_time() < until_s:
        pass
    assert 0.05 <= processor_s(os.getpid()) - before_s < 10


def test_memory_that_is_shared_counts_in_parts() -> None:
    assert 1 < own_mib(os.getpid(), "Pss") < own_mib(os.getpid(), "Rss") < 100_000
    assert own_mib(os.getpid(), "Rss") <= 1.5 * resident_mib(os.getpid())
    assert process_tree(os.getpid())[0] == os.getpid()


def test_a_thread_is_pinned_for_as_long_as_it_should_be() -> None:
    before = os.sched_getaffinity(0)
    with pinned({CORE}):
        assert os.sched_getaffinity(0) == {CORE}
    assert os.sched_getaffinity(0) == before


def test_quantiles_are_of_all_answers() -> None:
    load = Load("", 0, "", {0}, seconds=[n / 100 for n in range(101)])
    assert (load.quantile_s(0.5), load.quantile_s(0.99)) == (0.5, 0.99)


def test_every_part_measures_a_running_service(
    models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "WARM_UP_ROUNDS", 1)
    monkeypatch.setattr(loop, "ROUNDS", 1)
    log = tmp_path / "log"
    rows = [
        *start.measure(models_dir, log, CORE, starts=1),
        *answers.measure(models_dir, log, CORE, rounds=1),
        *loop.measure(models_dir, log, CORE),
        *lengths.measure(models_dir, log, CORE, (1, 3)),
    ]
    assert all(row.figure > 0 for row in rows)
    named = " ".join(row.what for row in rows)
    for what in ("ready", "a decoder, Pss", "/classify/genre WAV", "event loop", "memory for 3 s"):
        assert what in named


def test_a_service_may_be_started_on_some_cores(models_dir: Path, tmp_path: Path) -> None:
    started = service_process(models_dir, tmp_path / "log", COMMAND, {CORE}, workers=1)
    with started as (process, _):
        assert os.sched_getaffinity(process.pid) == {CORE}
