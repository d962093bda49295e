from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.inference.windows import cut_windows
from tests.audio import noise
from tests.training.fitting.jobs import Talking, make_job, watched_fits
from tests.training.made import MOOD_RATE_HZ, write_csv, write_moods, write_wav
from tests.training.tiny import TOY, TOY_BANDS, TOY_FRAMES, averaging_net, varied, with_fit
from training.data.cache import FeatureCache
from training.errors import TrainingError
from training.fitting import fit_task, judging, material
from training.fitting.beside import Beside
from training.fitting.fit_job import FitJob
from training.fitting.fit_task import fit
from training.fitting.run_folder import FINAL, RunFolder
from training.recipes.fit_settings import LINEAR


def test_what_a_recipe_cannot_use_is_refused(tmp_path: Path) -> None:
    recipe = varied(TOY, share=0.0)
    job = make_job(tmp_path, tmp_path, recipe, beside=Beside(outside=[tmp_path]))
    with pytest.raises(TrainingError, match="leave out --outside"):
        fit(job)


def test_a_recipe_that_learns_from_no_songs_refuses_them(tmp_path: Path) -> None:
    recipe = varied(TOY, songs_share=0.0)
    job = make_job(tmp_path, tmp_path, recipe, beside=Beside(songs=[tmp_path]))
    with pytest.raises(TrainingError, match="leave out --songs"):
        fit(job)


@pytest.mark.usefixtures("_untrained")
def test_the_record_tells_what_was_learned_from(tmp_path: Path) -> None:
    recipe = varied(TOY, held_back=("test",))
    data = write_moods(tmp_path / "data", ("extra", "test"))
    (tmp_path / "data" / "extra-5.wav").write_bytes(b"no sound at all")

    fit(make_job(tmp_path, data, recipe, seed=7, command="the command", with_folds=False))

    record = RunFolder(tmp_path / "run").record()
    assert record.task == "emotion"
    assert record.command == "the command"
    assert record.seed == 7
    assert record.clips_by_data_set == {"first": 4, "second": 1}
    assert [Path(name).name for name in record.skipped] == ["extra-5.wav"]
    assert record.epochs == len(record.history["loss"]) == TOY.fit.epochs
    assert record.fit_s > 0


@pytest.fixture(scope="module")
def without_folds(tmp_path_factory: pytest.TempPathFactory) -> tuple[FitJob, list[str]]:
    """A job that is done and fitted no folds, and the names of what it fitted."""
    folder = tmp_path_factory.mktemp("without_folds")
    job = make_job(folder, write_moods(folder / "data"), with_folds=False)
    with watched_fits() as done:
        fit(job)
    return job, [name for name, _ in done]


def test_windows_to_check_the_export_on_are_cut_from_real_clips(
    without_folds: tuple[FitJob, list[str]],
) -> None:
    job, _ = without_folds
    gathered = material.gather(job.recipe, job.data, job.cache, teacher=None, seed=job.seed)
    first_windows = [
        cut_windows(item.grids[0].astype(np.float32), TOY.inputs.windows)[0]
        for item in gathered.items
    ]

    windows = job.run.real_windows()

    assert windows.shape == (6, TOY.inputs.windows.frames, TOY.inputs.features.bands)
    for window in windows:
        assert any(np.array_equal(window, first) for first in first_windows)


def test_without_folds_only_the_final_network_is_fitted(
    without_folds: tuple[FitJob, list[str]],
) -> None:
    job, fitted = without_folds
    assert fitted == [FINAL]
    assert job.run.folds() == []
    assert job.run.network().count_params() == TOY.build(0).count_params()


def test_nothing_is_written_for_tensorboard_unasked(
    without_folds: tuple[FitJob, list[str]],
) -> None:
    assert not without_folds[0].run.tensorboard(FINAL).exists()


@pytest.mark.usefixtures("_untrained")
def test_a_job_that_was_interrupted_keeps_its_finished_folds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fits: list[tuple[str, set[str]]]
) -> None:
    job = make_job(tmp_path, write_moods(tmp_path / "data"))
    judge = judging.judge

    def interrupted(*arguments: Any) -> Any:
        if "groups-2" in arguments[4:]:
            raise KeyboardInterrupt
        return judge(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(fit_task, "judge", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(job)
    assert [fold.name for fold in job.run.folds()] == ["groups-1"]
    fits.clear()

    fit(job)

    assert [name for name, _ in fits] == ["groups-2", FINAL]
    assert job.run.record().epochs == TOY.fit.epochs


def test_a_job_interrupted_before_its_network_was_saved_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_fit(TOY, epochs=2)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe, with_folds=False)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_network", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fit(job)

    fit(job)

    assert job.run.record().epochs == 2


def test_recipes_with_a_teacher_ask_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fit_task, "Teacher", Talking)
    recipe = with_fit(varied(TOY, teacher=True), epochs=1)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe, with_folds=False)

    fit(job)

    assert set(job.run.network().output_names) == {"logits", "teacher"}
    assert min(job.run.record().history["teacher_loss"]) > 0


@pytest.mark.usefixtures("_untrained")
def test_other_recipes_need_no_teacher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_installed(_: FeatureCache) -> None:
        raise TrainingError("there is no teacher")

    monkeypatch.setattr(fit_task, "Teacher", not_installed)
    data = write_moods(tmp_path / "data")

    fit(make_job(tmp_path, data, with_folds=False))

    assert RunFolder(tmp_path / "run").network().output_names == ["logits"]
    with pytest.raises(TrainingError, match="there is no teacher"):
        fit(make_job(tmp_path, data, varied(TOY, teacher=True)))


def test_a_companion_task_is_learned_from_its_own_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fit_task, "Teacher", Talking)
    data = write_moods(tmp_path / "data").parent
    rows = []
    for n in range(4):
        name = f"song-{n}.wav"
        write_wav(data / name, noise(0.6, rate_hz=MOOD_RATE_HZ, seed=n), MOOD_RATE_HZ)
        rows.append((name, ("jazz", "rock")[n % 2], f"band-{n}"))
    write_csv(data / "genre.csv", ("file", "genre", "group"), rows)
    recipe = varied(
        TOY,
        build=lambda n: averaging_net(TOY_FRAMES, TOY_BANDS, 2, companions=10, teacher_targets=n),
        further=("genre",),
        companion="genre",
        teacher=True,
    )
    job = make_job(tmp_path, data, recipe, with_folds=False)

    fit(job)

    history = job.run.record().history
    assert 0 < history["companion_loss"][-1] < history["companion_loss"][0]
    assert job.run.record().clips_by_data_set == {"first": 4, "second": 2}


def test_a_head_needs_something_to_stand_on(tmp_path: Path) -> None:
    job = make_job(tmp_path, tmp_path, with_fit(TOY, head=LINEAR))
    with pytest.raises(TrainingError, match="no pretrained network for a linear head"):
        fit(job)


@pytest.mark.usefixtures("_untrained")
def test_recordings_of_something_else_are_learned_from_and_not_measured(
    tmp_path: Path, fits: list[tuple[str, set[str]]]
) -> None:
    for n in range(4):
        sound = noise(0.6, rate_hz=MOOD_RATE_HZ, seed=n)
        write_wav(tmp_path / "speech" / f"{n}.wav", sound, MOOD_RATE_HZ)
    data = write_moods(tmp_path / "data")
    recipe = varied(TOY, share=0.2)

    fit(make_job(tmp_path, data, recipe, beside=Beside(outside=[tmp_path / "speech"])))

    run = RunFolder(tmp_path / "run")
    assert all("outside:speech" in groups for _, groups in fits)
    assert sum(len(fold.clip_names) for fold in run.folds()) == 6
    assert run.record().clips_by_data_set == {"first": 4, "second": 2}
