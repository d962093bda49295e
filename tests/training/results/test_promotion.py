import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle_files import SONGS_FILE
from tests.audio import noise
from tests.training.made import write_csv, write_wav
from tests.training.runs import make_fold, write_run
from tests.training.tiny import TINY_GENRE
from training.data.cache import FeatureCache
from training.errors import TrainingError
from training.fitting.run_folder import RunFolder
from training.results.held_out import HELD_OUT_FILE
from training.results.promotion import CHANGELOG, PromotionJob, next_version, promote

RECIPE = replace(TINY_GENRE, version="2.0.1")


def job_of(tmp_path: Path, run: RunFolder, **changes: object) -> PromotionJob:
    job = PromotionJob(RECIPE, run, tmp_path / "models", FeatureCache(tmp_path / "cache"))
    return replace(job, **changes)  # type: ignore[arg-type]


def run_of(tmp_path: Path, name: str, right: float) -> RunFolder:
    """A run whose folds held out the same clips, of which about a share was told right."""
    return write_run(tmp_path / name, folds=[make_fold(TINY_GENRE, clips_each=60, right=right)])


def version_in(folder: Path) -> str:
    return str(json.loads((folder / "card.json").read_text("utf-8"))["version"])


def test_a_better_run_takes_the_place_and_a_worse_one_is_refused(tmp_path: Path) -> None:
    middling, good = run_of(tmp_path, "middling", 0.6), run_of(tmp_path, "good", 0.95)

    folder = promote(job_of(tmp_path, middling))
    assert version_in(folder) == "2.0.1"
    assert version_in(promote(job_of(tmp_path, good))) == "2.1.0"
    with pytest.raises(TrainingError, match="not promoted: balanced accuracy") as refused:
        promote(job_of(tmp_path, middling))
    assert "neither had learned from" in str(refused.value)
    assert version_in(folder) == "2.1.0"
    promote(job_of(tmp_path, middling, even_if_worse=True))

    assert version_in(folder) == "2.2.0"
    lines = (tmp_path / "models" / CHANGELOG).read_text("utf-8").splitlines()[2:]
    assert [line.split()[3].strip(":") for line in lines] == ["2.2.0", "2.1.0", "2.0.1"]
    assert "on 60 clips of 30 groups" in lines[0]
    assert lines[-1].endswith("the first of its kind")


def test_a_change_of_how_sure_it_is_shows_though_the_answers_are_the_same(tmp_path: Path) -> None:
    run = run_of(tmp_path, "run", 0.6)
    folder = promote(job_of(tmp_path, run))
    kept = folder / HELD_OUT_FILE
    head, *rows = kept.read_text("utf-8").splitlines()
    too_sure = [f"{row.rpartition(',')[0]},0.99" for row in rows]
    kept.write_text("\n".join([head, *too_sure]))

    promote(job_of(tmp_path, run))

    told = (tmp_path / "models" / CHANGELOG).read_text("utf-8").splitlines()[2]
    assert "now: +0.000 (+0.000 to +0.000), calibration error 0." in told
    assert re.search(r"calibration error .* now: -0\.[1-9]", told)


def test_without_a_common_clip_it_takes_a_decision(tmp_path: Path) -> None:
    """The old bundle has answers about other clips, and this run's clips are gone."""
    promote(job_of(tmp_path, run_of(tmp_path, "old", 0.6)))
    other = write_run(tmp_path / "new", folds=[make_fold(TINY_GENRE, "groups-9")])

    with pytest.raises(TrainingError, match="--data"):
        promote(job_of(tmp_path, other))


def test_a_bundle_that_kept_no_answers_is_asked_about_the_clips(tmp_path: Path) -> None:
    """Two of them are called alike; neither is compared with what was said of the other."""
    rate_hz = RECIPE.inputs.features.sample_rate_hz
    names = ("one/a.wav", "two/a.wav", "two/b.wav")
    labels = [RECIPE.labels[i] for i in (0, 1, 0)]
    for seed, name in enumerate(names):
        write_wav(tmp_path / "data" / name, noise(0.5, rate_hz=rate_hz, seed=seed), rate_hz)
    rows = [(name, label, "band", "made") for name, label in zip(names, labels, strict=True)]
    write_csv(tmp_path / "data" / "genre.csv", ("file", "genre", "group", "dataset"), rows)
    held_out = replace(
        make_fold(RECIPE, clips_each=3, right=1.0),
        clip_names=["one/a.wav", "two/a.wav", "b.wav"],
        groups=["band"] * 3,
        truth=np.array([0, 1, 0]),
        logits=np.eye(len(RECIPE.labels), dtype=np.float32)[[0, 1, 0]],
    )
    run = write_run(tmp_path / "run", folds=[held_out])
    folder = promote(job_of(tmp_path, run))
    (folder / HELD_OUT_FILE).unlink()

    promote(job_of(tmp_path, run, data=[tmp_path / "data"], even_if_worse=True))

    told = (tmp_path / "models" / CHANGELOG).read_text("utf-8").splitlines()[2]
    assert "on 3 clips of 1 groups" in told
    assert "may have learned from these clips" in told


def test_numbers_for_songs_are_not_lost_without_a_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """They belong to the network that would be replaced."""
    folder = promote(job_of(tmp_path, run_of(tmp_path, "first", 0.6)))
    (folder / SONGS_FILE).write_bytes(b"numbers")
    better = run_of(tmp_path, "better", 0.95)

    with pytest.raises(TrainingError, match=r"songs\.npz.* would be lost.*learn-songs"):
        promote(job_of(tmp_path, better))
    assert version_in(folder) == "2.0.1"
    promote(job_of(tmp_path, better, even_if_worse=True))

    assert version_in(folder) == "2.1.0"
    assert not (folder / SONGS_FILE).exists()
    assert "learn-songs learns it again" in caplog.text


@pytest.mark.parametrize(
    ("old", "wanted", "expected"),
    [("2.0.1", "2.0.1", "2.1.0"), ("2.0.1", "2.0.2", "2.0.2"), ("2.10.0", "2.9.0", "2.11.0")],
)
def test_the_version_rises(old: str, wanted: str, expected: str) -> None:
    assert next_version(old, wanted) == expected


def test_a_version_of_another_form_is_refused() -> None:
    with pytest.raises(TrainingError, match="three numbers"):
        next_version("2.0", "1.0.0")
