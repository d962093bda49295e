"""The proofs in short, so that they keep working; see ``python -m tests.proof``."""

import argparse
import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.audio.decode import decode
from service.errors import ServiceError
from tests.audio import encode, noise
from tests.nginx import NGINX, OPENSSL
from tests.proof import copies, load, slow, stream
from tests.proof.fuzz import fuzz, poster
from tests.proof.library import music
from tests.proof.library.music import Made, make_library
from tests.proof.memory import resident_mib
from tests.proof.mutation import mutated_file, seeds
from tests.server import server

N_FILES = 300


def test_broken_files_get_documented_answers_only(models_dir: Path, tmp_path: Path) -> None:
    with server(models_dir, tmp_path / "log") as (process, client):
        outcome = fuzz(poster(client), range(N_FILES), seed=1)
        assert outcome.failures == []
        assert sum(outcome.statuses.values()) == N_FILES
        assert process.poll() is None


def test_the_same_number_makes_the_same_file() -> None:
    assert [mutated_file(n) for n in range(20)] == [mutated_file(n) for n in range(20)]
    assert mutated_file(1, seed=1) != mutated_file(1, seed=2)


def test_every_format_is_broken_in_ways_that_decoders_accept_and_refuse() -> None:
    outcomes: dict[str, set[bool]] = {name: set() for name in seeds()}
    for number in range(1_000):
        name, data = mutated_file(number)
        try:
            decode(data)
            outcomes[name].add(True)
        except ServiceError:
            outcomes[name].add(False)
    assert all(kinds == {True, False} for kinds in outcomes.values()), outcomes


def test_every_seed_is_a_whole_file() -> None:
    for files in seeds().values():
        for data in files:
            assert decode(data).duration_s > 0.5


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="there is no /proc")
def test_memory_is_that_of_a_process_with_its_children() -> None:
    assert 1 < resident_mib(os.getpid()) < 1_000_000


def test_load_is_described_by_its_quantiles() -> None:
    answers = [load.Answer(200, ms / 1e3) for ms in range(1, 101)] + [load.Answer(503, 0.002)] * 10
    line = load.describe(3, answers, 10.0)
    assert "11.0 requests/s, 10.0 answered/s, 10 refused" in line
    assert "median 50, 95% 95, 99% 99; to a refusal: median 2" in line


def test_refusals_alone_are_described_too() -> None:
    assert "median -" in load.describe(1, [load.Answer(503, 0.002)], 1.0)


@pytest.mark.skipif(NGINX is None or OPENSSL is None, reason="no nginx or no openssl here")
def test_one_copy_and_all_of_them_are_measured_in_turn(
    models_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = argparse.Namespace(copies=2, seconds=0.3, rounds=1)
    copies.run(options, models_dir, tmp_path / "log")
    *ways, last = capsys.readouterr().out.splitlines()
    assert [way.split(":")[0] for way in ways] == [
        "one copy without nginx",
        "nginx and 1 copy",
        "nginx and 2 copies",
    ]
    assert "2 copies answer" in last


def test_slow_clients_are_of_every_kind() -> None:
    assert set(slow.KINDS) == {"headers", "body", "reads"}


def test_a_chord_is_told_when_its_name_first_comes_in_its_own_time() -> None:
    def answer(heard_s: float, label: str) -> dict[str, Any]:
        return {"heard_s": heard_s, "now": {"chord": {"label": label}}}

    said = [(1.0, "C"), (2.1, "Am"), (2.4, "G"), (4.3, "G"), (6.2, "Am"), (9.0, "F")]
    outcome = stream.Outcome(answers=[(at_s, answer(at_s, label)) for at_s, label in said])
    assert stream.chord_delays_s(outcome, ["C", "G", "G", "F"]) == pytest.approx([0.4, 0.3, None])


def test_the_chords_of_a_song_are_the_same_each_time_and_all_differ_from_the_next() -> None:
    data, names = stream.song(3)
    assert (data, names) == stream.song(3)
    assert len(names) == stream.N_CHORDS
    assert len(data) == 2 * stream.RATE_HZ * stream.CHORD_S * stream.N_CHORDS
    assert all(a != b for a, b in pairwise(names))


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    for seed in range(2):
        data = encode(noise(5.2, rate_hz=8_000, seed=seed), 8_000)
        (tmp_path / "data" / f"{seed}.wav").write_bytes(data)
    return tmp_path / "data"


def test_a_library_has_what_it_says_and_is_made_once(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(music, "HOUR_S", 2)

    made = make_library(tmp_path / "music", recordings, 13, seconds=1.0)

    files = sorted(file for file in (tmp_path / "music").rglob("*") if file.is_file())
    contents = {file: file.read_bytes() for file in files}
    assert made == Made(cuts=10, broken=1, hours=1, copies=1)
    assert len(files) == made.files == 13
    assert len(set(contents.values())) == made.files - made.copies
    lengths_s = [
        decode(data).duration_s for file, data in contents.items() if "odd" not in str(file)
    ]
    assert lengths_s == pytest.approx([1.0] * made.cuts, abs=0.1)
    with pytest.raises(ServiceError):
        decode((tmp_path / "music" / "odd" / "broken00000.mp3").read_bytes())
    make_library(tmp_path / "music", recordings, 13, seconds=1.0)
    assert {file: file.read_bytes() for file in files} == contents


def test_more_files_than_the_recordings_yield_are_refused(recordings: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="do not yield 11 cuts"):
        make_library(tmp_path / "music", recordings, 20, seconds=1.0)
