import logging
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.windows import cut_windows
from tests.audio import noise
from tests.training.made import (
    MOOD_CLIP_S,
    MOOD_RATE_HZ,
    write_csv,
    write_guitar_chords_v3,
    write_moods,
    write_wav,
)
from tests.training.tiny import (
    LINEAR_CHORD,
    TINY_GENRE,
    TOY,
    TOY_BANDS,
    TOY_FRAMES,
    TOY_ON_TOP,
    averaging_net,
    noisy,
    varied,
    with_fit,
)
from tests.training.untrained import leave_untrained
from training.data.cache import FeatureCache
from training.data.labels import UNLABELLED
from training.errors import TrainingError
from training.fitting import fit_task, fit_without, judging, material, stopping
from training.fitting.beside import Beside
from training.fitting.fit_job import FitJob, fingerprint
from training.fitting.fit_network import Fitted
from training.fitting.fit_task import fit
from training.fitting.items import Item, Material
from training.fitting.run_folder import FINAL, HELD_BACK_FOLD, RunFolder
from training.fitting.trials import HeadChoice
from training.recipes import Recipe
from training.recipes.fit_settings import CHOSEN, LINEAR


class Talking:
    """A teacher that tells the number of each clip, whatever it sounds like."""

    def __init__(self, _: FeatureCache) -> None:
        pass

    def ask(self, sources: Sequence[object]) -> list[NDArray[np.float32]]:
        return [np.full((1, 3), n, np.float32) for n, _ in enumerate(sources)]


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


def make_job(tmp_path: Path, data: Path, recipe: Recipe = TOY, **changes: Any) -> FitJob:
    job = FitJob(
        recipe=recipe,
        data=[data],
        run=RunFolder(tmp_path / "run"),
        cache=FeatureCache(tmp_path / "cache"),
        seed=1,
        beside=Beside(),
        with_folds=True,
        cluster=None,
        command="python -m training fit",
    )
    return replace(job, **changes)


@contextmanager
def watched_fits() -> Iterator[list[tuple[str, set[str]]]]:
    """Tell what is fitted meanwhile: the name and the groups learned from or stopped on."""
    done: list[tuple[str, set[str]]] = []
    fit = fit_without.fit_without

    def watched(job: FitJob, gathered: Material, groups: set[str], name: str) -> Fitted:
        items = gathered.without_groups(gathered.items, groups)
        done.append((name, {item.group for item in items}))
        return fit(job, gathered, groups, name)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit_task, "fit_without", watched)
        yield done


@pytest.fixture
def fits() -> Iterator[list[tuple[str, set[str]]]]:
    """What a test fits; see :func:`watched_fits`."""
    with watched_fits() as done:
        yield done


@pytest.fixture
def _untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have networks learn nothing: what is asked is what they would learn from."""
    monkeypatch.setattr(fit_without, "fit_network", leave_untrained)


@pytest.fixture(scope="module")
def with_folds(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunFolder, dict[str, set[str]]]:
    """A run with folds, and the groups that each of its networks learned from or stopped on."""
    folder = tmp_path_factory.mktemp("with_folds")
    with watched_fits() as done:
        fit(make_job(folder, write_moods(folder / "data")))
    return RunFolder(folder / "run"), dict(done)


@pytest.fixture(scope="module")
def on_backbone(tmp_path_factory: pytest.TempPathFactory) -> FitJob:
    """A job with folds, of a network on a backbone, that is done."""
    folder = tmp_path_factory.mktemp("on_backbone")
    job = make_job(folder, write_moods(folder / "data"), replace(TOY_ON_TOP, augment=noisy))
    fit(job)
    return job


def test_every_clip_is_judged_by_a_network_that_saw_none_of_its_group(
    with_folds: tuple[RunFolder, dict[str, set[str]]],
) -> None:
    run, seen = with_folds
    folds = {fold.name: fold for fold in run.folds()}
    assert sorted(name for fold in folds.values() for name in fold.clip_names) == [
        f"extra-{n}.wav" for n in range(6)
    ]
    for name, fold in folds.items():
        assert not seen[name] & set(fold.groups)
    assert seen[FINAL] == {f"extra-artist-{n}" for n in range(6)}


def test_folds_hold_names_truth_and_logits_of_their_clips(
    with_folds: tuple[RunFolder, dict[str, set[str]]],
) -> None:
    right = []
    for fold in with_folds[0].folds():
        assert fold.logits.shape == (len(fold.clip_names), 2)
        for clip, truth in zip(fold.clip_names, fold.truth, strict=True):
            assert TOY.labels[truth] == ("sad", "happy")[int(clip[6]) % 2]
        right += (fold.logits.argmax(axis=1) == fold.truth).tolist()
    # Low and high tones are easily told apart.
    assert np.mean(right) > 0.8


@pytest.mark.usefixtures("_untrained")
def test_official_splits_that_are_held_back_are_never_learned_from(
    tmp_path: Path, fits: list[tuple[str, set[str]]]
) -> None:
    recipe = varied(TOY, held_back=("valid", "test"))
    data = write_moods(tmp_path / "data", ("extra", "valid", "test"))

    fit(make_job(tmp_path, data, recipe))

    for _, groups in fits:
        assert not any(group.startswith(("valid", "test")) for group in groups)
    listed = {fold.name: fold for fold in RunFolder(tmp_path / "run").folds()}[HELD_BACK_FOLD]
    assert listed.clip_names == [f"valid-{n}.wav" for n in range(6)]


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


def test_a_network_on_a_backbone_is_kept_as_one_that_takes_windows(on_backbone: FitJob) -> None:
    job = on_backbone
    gathered = material.gather(job.recipe, job.data, job.cache, teacher=None, seed=job.seed)
    grids = {
        Path(clip.source.name).name: item.grids[0].astype(np.float32)
        for clip, item in zip(gathered.clips, gathered.items, strict=True)
    }

    folds = job.run.folds()

    assert len(folds) == 2
    for fold in folds:
        network = job.run.fold_network(fold.name)
        assert network.input_shape == (None, TOY_FRAMES, TOY_BANDS)
        for name, logits in zip(fold.clip_names, fold.logits, strict=True):
            windows = cut_windows(grids[name], TOY.inputs.windows)
            heard = np.asarray(network(windows, training=False)["logits"]).mean(axis=0)
            # Embeddings are kept in half precision.
            np.testing.assert_allclose(heard, logits, atol=0.02)
    right = [fold.logits.argmax(axis=1) == fold.truth for fold in folds]
    assert np.concatenate(right).mean() > 0.8
    assert job.run.real_windows().shape == (6, TOY_FRAMES, TOY_BANDS)
    final = job.run.network()
    assert np.asarray(final(job.run.real_windows())["logits"]).shape == (6, 2)


@pytest.mark.parametrize("is_on_backbone", [False, True], ids=["alone", "on a backbone"])
def test_clips_are_also_judged_cut_short(
    with_folds: tuple[RunFolder, dict[str, set[str]]], on_backbone: FitJob, is_on_backbone: bool
) -> None:
    for fold in (on_backbone.run if is_on_backbone else with_folds[0]).folds():
        shorter = fold.cuts_s < MOOD_CLIP_S
        assert shorter.any()
        assert fold.durations_s == pytest.approx(MOOD_CLIP_S, abs=0.1)
        assert np.isfinite(fold.cut_logits[shorter]).all()
        assert np.isnan(fold.cut_logits[~shorter]).all()
        longest = fold.cut_logits[shorter][-1]
        assert (longest.argmax(axis=1) == fold.logits.argmax(axis=1)).mean() > 0.5


def test_a_backbone_stays_as_it_is(on_backbone: FitJob) -> None:
    assert TOY_ON_TOP.inputs.backbone is not None
    (mixture,) = (layer for layer in TOY_ON_TOP.inputs.backbone().layers if layer.weights)
    kept = on_backbone.run.network().get_layer(mixture.name)
    for before, after in zip(mixture.get_weights(), kept.get_weights(), strict=True):
        np.testing.assert_array_equal(after, before)


@pytest.mark.usefixtures("_untrained")
def test_the_head_is_chosen_for_each_network_by_what_it_learns_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[set[str]] = []

    def choose(items: Sequence[Item], recipe: Recipe, seed: int) -> HeadChoice:  # noqa: ARG001
        asked.append({item.group for item in items})
        return HeadChoice(penalty=None if len(asked) == 1 else 0.1)

    monkeypatch.setattr(fit_without, "choose_head", choose)
    recipe = with_fit(replace(TOY_ON_TOP, augment=noisy), head=CHOSEN)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe)
    fit(job)

    assert len(asked) == len(job.run.folds()) + 1
    for fold, groups in zip(job.run.folds(), asked, strict=False):
        assert not groups & set(fold.groups)
    assert {name: choice.penalty for name, choice in job.run.head_choices().items()} == {
        FINAL: 0.1, "groups-1": None, "groups-2": 0.1,
    }  # fmt: skip
    assert job.run.record().network == "linear_net"
    assert "embedding_net" in [layer.name for layer in job.run.fold_network("groups-1").layers]


def test_a_choice_that_was_made_is_not_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = with_fit(TOY_ON_TOP, head=LINEAR)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe, with_folds=False)
    job.run.keep_head_choice(FINAL, HeadChoice(penalty=0.3))
    monkeypatch.setattr(fit_without, "choose_head", lambda *_: pytest.fail("chosen again"))
    fit(job)
    assert job.run.record().network == "linear_net"


@pytest.mark.usefixtures("_untrained")
@pytest.mark.parametrize(("few", "epochs"), [(250, 1), (0, TOY_ON_TOP.fit.epochs)])
def test_of_few_clips_a_network_is_trained_as_short_as_it_was_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, few: int, epochs: int
) -> None:
    monkeypatch.setattr(fit_without, "FEW_CLIPS", few)
    recipe = with_fit(TOY_ON_TOP, head=CHOSEN, patience=None)
    job = make_job(tmp_path, write_moods(tmp_path / "data"), recipe, with_folds=False)
    job.run.keep_head_choice(FINAL, HeadChoice(penalty=None))
    fit(job)
    assert job.run.record().epochs == epochs


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


def test_the_fingerprint_tells_what_lies_in_the_folders_beside(tmp_path: Path) -> None:
    data = write_moods(tmp_path / "data")
    recipe, speech = varied(TOY, share=0.2), tmp_path / "speech"

    def fingerprint_with(seed: int, name: str) -> str:
        shutil.rmtree(speech, ignore_errors=True)
        write_wav(speech / name, noise(0.6, rate_hz=MOOD_RATE_HZ, seed=seed), MOOD_RATE_HZ)
        job = make_job(tmp_path, data, recipe, beside=Beside(outside=[speech]))
        gathered = material.gather(
            recipe, job.data, job.cache, teacher=None, seed=job.seed, beside=job.beside
        )
        return fingerprint(job, gathered.clips, gathered.others)

    assert fingerprint_with(1, "a.wav") == fingerprint_with(1, "b.wav")
    assert fingerprint_with(1, "a.wav") != fingerprint_with(2, "a.wav")


@pytest.mark.usefixtures("_untrained")
def test_one_data_set_of_few_players_is_enough_for_chords(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = write_guitar_chords_v3(tmp_path / "data", takes=1, test_players=("Someone",))
    job = make_job(tmp_path, data, LINEAR_CHORD)

    with caplog.at_level(logging.INFO, "training.fitting.judging"):
        fit(job)

    folds = job.run.folds()
    assert len(folds) > 1
    assert [name for fold in folds for name in fold.data_sets] == ["guitar-chords-v3"] * 6
    groups = [set(fold.groups) for fold in folds]
    assert sum(map(len, groups)) == len(set().union(*groups))
    assert not any("Someone" in group for group in set().union(*groups))
    assert f"of {len(folds[0].truth)} clips" in caplog.text


@pytest.mark.usefixtures("_untrained")
def test_gtzan_alone_is_measured_on_its_validation_list(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "genres_original"
    # Of the fault-filtered lists: blues 29 to 31 are for training, 0 and 1 for validation.
    for number in (29, 30, 31, 0, 1):
        path = folder / "blues" / f"blues.{number:05d}.wav"
        write_wav(path, noise(1.0, rate_hz=22_050, seed=number), 22_050)
    job = make_job(tmp_path, tmp_path / "data", TINY_GENRE)

    fit(job)

    (fold,) = job.run.folds()
    assert fold.name == HELD_BACK_FOLD
    assert fold.clip_names == ["blues.00000.wav", "blues.00001.wav"]
    assert job.run.record().clips_by_data_set == {"gtzan": 3}


def test_copies_are_not_stopped_on() -> None:
    grids = [np.zeros((4, 2), np.float16), np.ones((4, 2), np.float16)]
    item = Item("g", UNLABELLED, grids, np.zeros((0, 0), np.float32), 1.0, companion=3)

    clean = stopping._clean(item)

    assert len(clean.grids) == 1
    assert not clean.grids[0].any()
    assert replace(clean, grids=grids) == item
