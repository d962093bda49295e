"""Changed recordings, also real ones where TEST_DATA names the folder of a chord.csv."""

import os
from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import decode
from service.inference.bundle import Bundle
from service.inference.classification import classify
from service.inference.grids import needed_rates_hz
from tests.training.made import GUITAR_RATE_HZ, strum
from tests.training.progressions.test_progression_job import make_job as make_progression_job
from training.data.readers import AudioFile, LabelledClip, read_data_sets
from training.errors import TrainingError
from training.results.fold_bundles import UnseenJob
from training.robustness import invariance
from training.robustness.changes import CHANGES, UNCHANGED
from training.robustness.invariance import measure

MODELS = Path(__file__).parents[3] / "models"
DATA = os.environ.get("TEST_DATA")
N_REAL_CLIPS = 60
# Of half a second, some hold no more than the attack.
LEAST_SAME = {"first 0.5 s": 0.85}


@pytest.fixture(scope="module")
def chord_bundle() -> Bundle:
    return Bundle.load(MODELS / "chord")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> UnseenJob:
    """What is to be measured; not to be changed."""
    made = make_progression_job(tmp_path_factory.mktemp("job"))
    return UnseenJob(recipe=made.recipe, run=made.run, data=made.data, count=2, seed=1)


@pytest.fixture
def _named_bundles(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of each bundle, the name of its fold, which here is the data set held out."""
    monkeypatch.setattr(invariance, "fold_bundle", lambda _recipe, _run, fold, _calibration: fold)


@pytest.mark.usefixtures("_named_bundles")
def test_the_figures_count_right_and_same_answers(
    job: UnseenJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a network that is right until somebody turns the volume down."""

    def answers(clip: LabelledClip, *_: object) -> list[str]:
        return ["N" if change == "30 dB quieter" else clip.label for change in CHANGES]

    monkeypatch.setattr(invariance, "_answers", answers)

    report = measure(job)

    # Two clips of each data set at most; the attic has one.
    assert report.clips_by_data_set == {"attic": 1, "garage": 2, "studio": 2}
    assert [figures.change for figures in report.changes] == list(CHANGES)
    for figures in report.changes:
        wanted = 0.0 if figures.change == "30 dB quieter" else 1.0
        assert figures.n == 5
        assert figures.accuracy.value == wanted
        assert figures.same_answer.value == wanted


@pytest.mark.usefixtures("_named_bundles")
def test_each_clip_is_judged_by_the_network_that_never_saw_it(
    job: UnseenJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def answers(clip: LabelledClip, bundle: str, _: object) -> list[str]:
        asked.append((bundle, clip.data_set))
        return [clip.label] * len(CHANGES)

    monkeypatch.setattr(invariance, "_answers", answers)

    measure(job)

    assert {fold for fold, _ in asked} == {"attic", "garage", "studio"}
    assert all(fold == data_set for fold, data_set in asked)


def test_the_bundles_of_the_folds_answer_every_form(job: UnseenJob) -> None:
    report = measure(job)
    assert report.skipped == 0
    assert report.changes[0].change == UNCHANGED
    assert report.changes[0].same_answer.value == 1.0


@pytest.mark.usefixtures("_named_bundles")
def test_clips_that_cannot_be_read_are_counted(
    job: UnseenJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answers(clip: LabelledClip, *_: object) -> list[str] | None:
        return None if clip.data_set == "studio" else [clip.label] * len(CHANGES)

    monkeypatch.setattr(invariance, "_answers", answers)
    report = measure(job)
    assert report.skipped == 2
    assert report.changes[0].n == 3


@pytest.mark.usefixtures("_named_bundles")
def test_a_run_without_readable_clips_is_an_error(
    job: UnseenJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invariance, "_answers", lambda *_: None)
    with pytest.raises(TrainingError, match="can be read"):
        measure(job)


def label_of(file: bytes, bundle: Bundle) -> str:
    clip = decode(file, needed_rates_hz([bundle]))
    return classify(clip, {"chord": bundle})["chord"].label


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("chord", ["C", "F#m", "Bdim", "G7"])
def test_the_shipped_model_names_a_synthetic_chord_whatever_the_recording(
    chord_bundle: Bundle, change: str, chord: str
) -> None:
    samples = strum(chord, seed=3)
    file = CHANGES[change](samples, GUITAR_RATE_HZ, np.random.default_rng(0))
    assert label_of(file, chord_bundle) == chord


@pytest.fixture(scope="module")
def real_answers(chord_bundle: Bundle) -> list[list[str]]:
    if DATA is None:
        pytest.skip("TEST_DATA names no folder with a chord.csv")
    clips = read_data_sets([Path(DATA) / "chord.csv"], "chord")
    rng = np.random.default_rng(0)
    answers: list[list[str]] = []
    for i in rng.permutation(len(clips)):
        source = clips[i].source
        assert isinstance(source, AudioFile)
        samples = source.samples(GUITAR_RATE_HZ)
        if len(samples) >= GUITAR_RATE_HZ and len(answers) < N_REAL_CLIPS:
            files = [change(samples, GUITAR_RATE_HZ, rng) for change in CHANGES.values()]
            answers.append([label_of(file, chord_bundle) for file in files])
    return answers


@pytest.mark.parametrize("place", range(1, len(CHANGES)), ids=list(CHANGES)[1:])
def test_the_shipped_model_answers_changed_real_clips_as_before(
    real_answers: list[list[str]], place: int
) -> None:
    same = np.mean([answers[place] == answers[0] for answers in real_answers])
    assert len(real_answers) == N_REAL_CLIPS
    assert same >= LEAST_SAME.get(list(CHANGES)[place], 0.95)
