from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle import Bundle
from tests.bundles import write_bundle
from tests.training.made import GUITAR_RATE_HZ, strum, write_csv, write_wav
from tests.training.runs import make_fold, write_run
from tests.training.synthesis.test_soundfont import FONT, needs_fluidsynth
from tests.training.tiny import TINY_CHORD, TINY_GENRE
from training.commands.options import public_names
from training.data.annotation import Annotation
from training.errors import TrainingError
from training.fitting.fold_result import FoldResult
from training.fitting.run_folder import RunFolder
from training.progressions import progression_job
from training.progressions.progression import Progression
from training.progressions.progression_job import (
    ALL_GUITARS,
    ProgressionJob,
    answer,
    held_out_progressions,
    measure,
)
from training.results.figures import calibrate

GUITARS = {"garage": ("ann", "bob"), "studio": ("eve",), "attic": ("tom",)}
CHORDS = ("C", "G", "Am")


def write_guitars(folder: Path) -> Path:
    """Write a data set of strummed chords; the guitar in the attic has one chord only."""
    rows = []
    for data_set, groups in GUITARS.items():
        for group in groups:
            for n, chord in enumerate(CHORDS if data_set != "attic" else CHORDS[:1]):
                name = f"{group}-{chord}.wav"
                write_wav(folder / name, strum(chord, seed=n), GUITAR_RATE_HZ)
                rows.append((name, chord, group, data_set))
    return write_csv(folder / "chord.csv", ("file", "chord", "group", "dataset"), rows)


def fold_of(data_set: str) -> FoldResult:
    """Return the result of a network that never saw a data set."""
    groups = [group for group in GUITARS[data_set] for _ in range(6)]
    fold = make_fold(TINY_CHORD, data_set, data_sets=(data_set,), clips_each=len(groups))
    return replace(fold, groups=groups)


def make_job(tmp_path: Path) -> ProgressionJob:
    return ProgressionJob(
        recipe=TINY_CHORD,
        run=write_run(tmp_path / "run", TINY_CHORD, [fold_of(name) for name in GUITARS]),
        data=[write_guitars(tmp_path / "data")],
        count=2,
        songs=1,
        soundfont=None,
        seed=1,
    )


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> ProgressionJob:
    """What is to be measured; its files are not to be changed."""
    return make_job(tmp_path_factory.mktemp("job"))


def test_each_fold_is_asked_about_the_guitars_that_it_never_saw(job: ProgressionJob) -> None:
    made = dict(held_out_progressions(job))
    assert {name: [p.group for p in progressions] for name, progressions in made.items()} == {
        "attic": [],
        "garage": ["ann", "bob"],
        "studio": ["eve", "eve"],
    }
    assert {p.data_set for p in made["garage"]} == {"garage"}


def test_songs_by_a_font_that_was_trained_on_are_refused(
    job: ProgressionJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by a font whose name has spaces, and by another name of the same font."""
    monkeypatch.setattr(progression_job, "require_fluidsynth", lambda _: None)
    font, link = tmp_path / "my guitars.sf2", tmp_path / "default.sf2"
    font.touch()
    link.symlink_to(font)
    command = f"python -m training fit chord --data d --soundfonts {public_names([font])}"
    record = job.run.record().model_copy(update={"command": command})
    monkeypatch.setattr(RunFolder, "record", lambda _: record)

    for name in (font, link):
        with pytest.raises(TrainingError, match=f"trained on {name.name}"):
            measure(replace(job, soundfont=name))


def test_the_report_pools_the_guitars_and_lists_each_data_set(
    job: ProgressionJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With answers that know the truth for one data set, so that the figures are known."""

    def know_the_studio(_: object, progression: Progression) -> Annotation:
        truth = progression.annotation
        if progression.data_set == "studio":
            return truth
        return Annotation(truth.intervals_s, ["N"] * len(truth.labels))

    monkeypatch.setattr(progression_job, "answer", know_the_studio)
    monkeypatch.setattr(progression_job, "fold_bundle", lambda *_: None)  # nobody asks it

    report = measure(job)

    assert report.left_out == ["attic"]
    assert report.temperature == calibrate(job.run).temperature
    pooled, garage, studio = report.parts
    assert [part.name for part in report.parts] == [ALL_GUITARS, "garage", "studio"]
    assert (pooled.recordings, pooled.groups) == (4, 3)
    assert pooled.duration_s == pytest.approx(garage.duration_s + studio.duration_s, abs=0.2)
    assert pooled.chords == garage.chords + studio.chords
    assert studio.figures["majmin"].value == 1
    assert garage.figures["majmin"].value == 0
    assert pooled.figures["majmin"].value == pytest.approx(
        studio.duration_s / pooled.duration_s, abs=0.01
    )


@needs_fluidsynth
def test_the_real_functions_answer_progressions_and_songs(job: ProgressionJob) -> None:
    report = measure(replace(job, soundfont=FONT))
    assert [part.name for part in report.parts][-1] == "songs by TimGM6mb"
    for part in report.parts:
        assert 0 <= part.figures["root"].value <= 1
        assert part.figures["seg"].value > 0


def test_a_recipe_without_segments_is_refused(job: ProgressionJob) -> None:
    with pytest.raises(TrainingError, match="does not answer with chords over time"):
        measure(replace(job, recipe=TINY_GENRE))


def test_a_run_whose_networks_were_not_kept_says_so(tmp_path: Path) -> None:
    job = make_job(tmp_path)
    for file in (tmp_path / "run" / "folds").glob("*.keras"):
        file.unlink()
    with pytest.raises(TrainingError, match=r"garage\.keras does not exist"):
        measure(job)


def test_data_without_any_progression_are_refused(job: ProgressionJob, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="No guitar has enough chords"):
        measure(replace(job, run=write_run(tmp_path / "other", TINY_CHORD)))


def test_a_missing_font_is_found_before_anything_is_asked(
    job: ProgressionJob, tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"fluidsynth|SoundFont"):
        measure(replace(job, soundfont=tmp_path / "missing.sf2"))


def test_a_bundle_without_a_lab_form_cannot_answer(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "genre"))
    progression = Progression("made", "ann", np.zeros(8_000, np.float32), 8_000, np.array([0, 1.0]),
                              ["C"])  # fmt: skip
    with pytest.raises(TrainingError, match=r"no \.lab form"):
        answer(bundle, progression)
