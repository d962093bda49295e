import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from distributed import LocalCluster

from service.bulk import AHEAD
from service.cores import available_cores
from service.inference.features import FeatureSpec, FilterBank, Grid
from tests.audio import tone
from tests.training.made import make_clip, write_wav
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.data.preparation import prepare
from training.data.readers import AudioFile, LabelledClip, read_data_set
from training.errors import TrainingError, UnreadableClip
from training.recipes import GENRE

SPEC = GENRE.inputs.features
BANK = make_bank(SPEC)
JAZZ_54 = "jazz.00054.wav"


@dataclass(frozen=True)
class Counted:
    """A source that writes down each time its grid is computed, wherever that is."""

    name: str
    log: Path

    def content_key(self) -> str:
        return self.name

    def grid(self, spec: FeatureSpec, bank: FilterBank) -> Grid:
        assert bank.shape[0] == spec.bands
        with self.log.open("a") as log:
            log.write(f"{self.name}\n")
        if self.name == "unreadable":
            raise UnreadableClip("is no good")
        if self.name == "mistaken":
            raise TrainingError("wrong features")
        return np.full((3, spec.bands), float(len(logged(self.log))), np.float32)


def logged(log: Path) -> list[str]:
    return log.read_text().split()


def counted(names: str, log: Path) -> list[LabelledClip]:
    return [LabelledClip(Counted(name, log), "jazz", "made", name) for name in names.split()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache")


@pytest.fixture
def gtzan(tmp_path: Path) -> Path:
    """GTZAN as published, in small, with its famous file that nothing can decode."""
    folder = tmp_path / "gtzan"
    for number, name in enumerate(("blues.00000", "jazz.00053", "jazz.00055")):
        genre = name.split(".")[0]
        samples = tone(220 * (number + 1), 1.0, rate_hz=SPEC.sample_rate_hz)
        write_wav(folder / "genres_original" / genre / f"{name}.wav", samples, SPEC.sample_rate_hz)
    broken = folder / "genres_original" / "jazz" / JAZZ_54
    broken.write_bytes(np.random.default_rng(54).bytes(5_000))
    return folder


def test_a_clip_that_cannot_be_decoded_is_named_and_the_others_survive(
    gtzan: Path, cache: FeatureCache, caplog: pytest.LogCaptureFixture
) -> None:
    clips = read_data_set(gtzan, "genre")
    assert len(clips) == 4

    with caplog.at_level(logging.WARNING, "training.data.preparation"):
        done = prepare(clips, SPEC, BANK, cache)

    assert [Path(prepared.clip.source.name).name for prepared in done.clips] == [
        "blues.00000.wav",
        "jazz.00053.wav",
        "jazz.00055.wav",
    ]
    (skipped,) = done.skipped
    assert skipped.name.endswith(JAZZ_54)
    assert "no audio" in skipped.reason
    (record,) = caplog.records
    assert JAZZ_54 in record.getMessage()


def test_grids_are_those_of_the_clips_in_half_precision(gtzan: Path, cache: FeatureCache) -> None:
    done = prepare(read_data_set(gtzan, "genre"), SPEC, BANK, cache)

    assert done.clips
    for prepared in done.clips:
        exact = prepared.clip.source.grid(SPEC, BANK)
        assert prepared.grid.dtype == np.float16
        np.testing.assert_array_equal(prepared.grid, exact.astype(np.float16))


def test_clips_keep_their_order(cache: FeatureCache, log: Path) -> None:
    names = "e d c b a"
    done = prepare(counted(names, log), SPEC, BANK, cache)
    assert [prepared.clip.source.name for prepared in done.clips] == names.split()


def test_a_grid_is_computed_once(cache: FeatureCache, log: Path) -> None:
    first = prepare(counted("a b", log), SPEC, BANK, cache)
    again = prepare(counted("a b c", log), SPEC, BANK, cache)

    assert sorted(logged(log)) == ["a", "b", "c"]
    for one, other in zip(first.clips, again.clips, strict=False):
        np.testing.assert_array_equal(one.grid, other.grid)


def test_an_interrupted_preparation_loses_little(
    cache: FeatureCache, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.bulk.LARGEST_BATCH", 1)  # as if each took long
    many = [str(n) for n in range(30)]
    with pytest.raises(TrainingError):
        prepare(counted(f"{' '.join(many)} mistaken", log), SPEC, BANK, cache)
    first = set(logged(log))

    prepare(counted(" ".join(many), log), SPEC, BANK, cache)

    # Only those that were on their way when it broke off are done twice.
    twice = len(logged(log)) - len(many) - len(first & {"mistaken"})
    assert twice <= AHEAD * available_cores()


def test_an_unreadable_clip_is_tried_again_next_time(cache: FeatureCache, log: Path) -> None:
    prepare(counted("unreadable", log), SPEC, BANK, cache)
    done = prepare(counted("unreadable", log), SPEC, BANK, cache)

    assert logged(log) == ["unreadable", "unreadable"]
    assert [(skipped.name, skipped.reason) for skipped in done.skipped] == [
        ("unreadable", "is no good")
    ]


def test_a_missing_file_is_skipped_before_any_work(tmp_path: Path, cache: FeatureCache) -> None:
    missing = LabelledClip(AudioFile(tmp_path / "missing.wav"), "jazz", "made", "g")

    done = prepare([missing, make_clip("jazz")], SPEC, BANK, cache)

    assert done.clips == []
    assert {skipped.name for skipped in done.skipped} == {
        str(tmp_path / "missing.wav"),
        "clip.wav",
    }


def test_a_mistake_in_the_data_stops_the_preparation(cache: FeatureCache, log: Path) -> None:
    with pytest.raises(TrainingError, match="wrong features"):
        prepare(counted("a mistaken", log), SPEC, BANK, cache)


def test_the_work_runs_on_a_cluster_whose_address_is_given(
    cache: FeatureCache, gtzan: Path
) -> None:
    with LocalCluster(
        processes=False,
        n_workers=1,
        threads_per_worker=1,
        dashboard_address=None,
        protocol="tcp",
        host="127.0.0.1",
    ) as cluster:
        done = prepare(read_data_set(gtzan, "genre"), SPEC, BANK, cache, cluster.scheduler_address)
        worked = cluster.scheduler.transition_counter

    assert len(done.clips) == 3
    assert worked > 0


def test_a_cluster_that_does_not_answer_is_named(
    cache: FeatureCache, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.bulk.CONNECT_S", 0.2)
    with pytest.raises(TrainingError, match=r"No Dask scheduler answers at tcp://127\.0\.0\.1:1"):
        prepare(counted("a", log), SPEC, BANK, cache, "tcp://127.0.0.1:1")
