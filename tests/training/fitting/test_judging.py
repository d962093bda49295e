import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from service.inference.windows import cut_windows
from tests.audio import noise
from tests.training.fitting.jobs import make_job, watched_fits
from tests.training.made import MOOD_CLIP_S, write_guitar_chords_v3, write_moods, write_wav
from tests.training.tiny import (
    LINEAR_CHORD,
    TINY_GENRE,
    TOY,
    TOY_BANDS,
    TOY_FRAMES,
    TOY_ON_TOP,
    noisy,
    varied,
)
from training.fitting import material
from training.fitting.fit_job import FitJob
from training.fitting.fit_task import fit
from training.fitting.run_folder import FINAL, HELD_BACK_FOLD, RunFolder


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
