from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.features import FilterBank
from tests.audio import noise
from tests.training.made import GUITAR_RATE_HZ, strum, write_csv, write_wav
from tests.training.tiny import TINY_CHORD, TINY_GENRE
from training import material
from training.batches import UNLABELLED
from training.cache import FeatureCache
from training.degradation import DegradedAudio
from training.errors import TrainingError
from training.filter_banks import make_bank
from training.labels import CHORDS
from training.material import CLEAN_SHARE, Item, TeacherScale, examples, gather
from training.readers import AudioFile
from training.readers.clips import Source
from training.recipes import Recipe
from training.teacher import Teacher

N_SYNTHETIC = 40
NOTHING = np.zeros((0, 0), np.float32)
CHORD_BANK: FilterBank = make_bank(TINY_CHORD.features)


class TalkingTeacher(Teacher):
    """Says how long a clip's name is, once for each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, sources: Sequence[Source]) -> list[NDArray[np.float32]]:
        self.asked += [Path(source.name).name for source in sources]
        return [np.full((1, 2), len(Path(s.name).name), np.float32) for s in sources]


@pytest.fixture(autouse=True)
def _few_synthetic_clips(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(material, "N_SYNTHETIC", N_SYNTHETIC)


@pytest.fixture
def cache(tmp_path: Path) -> FeatureCache:
    return FeatureCache(tmp_path / "cache")


def write_chords(folder: Path) -> Path:
    """Write four clips of one guitar, one of another, and one that cannot be decoded."""
    rows = []
    for n, (label, guitar) in enumerate(
        [("Am", "a"), ("C", "a"), ("Am", "a"), ("N", "a"), ("Bdim", "b")]
    ):
        write_wav(folder / f"{n}.wav", strum(label, seed=n), GUITAR_RATE_HZ)
        rows.append((f"{n}.wav", label, f"guitar-{guitar}", guitar))
    (folder / "broken.wav").write_bytes(b"no sound at all")
    rows.append(("broken.wav", "Am", "guitar-a", "a"))
    return write_csv(folder / "chord.csv", ("file", "chord", "group", "dataset"), rows)


def write_music(folder: Path) -> Path:
    """Write clips with a genre, with an emotion, and with both."""
    rows = {
        "genre": [("jazz.wav", "jazz", "x"), ("both.wav", "rock", "y")],
        "emotion": [("both.wav", "sad", "y"), ("sad.wav", "sad", "x"), ("happy.wav", "happy", "z")],
    }
    for task, listed in rows.items():
        write_csv(folder / f"{task}.csv", ("file", task, "group"), listed)
        for n, (file, *_) in enumerate(listed):
            write_wav(folder / file, noise(0.5, rate_hz=22_050, seed=len(file) + n), 22_050)
    return folder


def gather_chords(
    tmp_path: Path, cache: FeatureCache, recipe: Recipe = TINY_CHORD, seed: int = 1
) -> material.Material:
    return gather(recipe, [write_chords(tmp_path / "data")], cache, teacher=None, seed=seed)


def test_each_readable_clip_is_an_item_with_its_label_and_group(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather_chords(tmp_path, cache)

    assert [clip.label for clip in gathered.clips] == ["Am", "C", "Am", "N", "Bdim"]
    assert [CHORDS[item.label] for item in gathered.items] == ["Am", "C", "Am", "N", "Bdim"]
    assert [item.group for item in gathered.items] == ["guitar-a"] * 4 + ["guitar-b"]
    assert [Path(skipped.name).name for skipped in gathered.skipped] == ["broken.wav"]


def test_an_item_has_its_clean_grid_first_and_then_its_degraded_copies(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather_chords(tmp_path, cache, replace(TINY_CHORD, degraded_copies=2))

    for clip, item in zip(gathered.clips, gathered.items, strict=True):
        assert isinstance(clip.source, AudioFile)
        forms: list[Source] = [clip.source]
        forms += [DegradedAudio(clip.source, copy) for copy in range(2)]
        assert len(item.grids) == 3
        for form, grid in zip(forms, item.grids, strict=True):
            expected = form.grid(TINY_CHORD.features, CHORD_BANK)
            np.testing.assert_array_equal(grid, expected.astype(np.float16))


def test_weights_are_those_of_the_recipe_and_one_on_average(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather_chords(tmp_path, cache)
    weights = [item.weight for item in gathered.items]

    assert np.mean(weights) == pytest.approx(1)
    # Data set a has four clips, b one.
    assert weights[4] / weights[0] == pytest.approx(2)


def test_synthetic_clips_make_up_the_recipes_share(tmp_path: Path, cache: FeatureCache) -> None:
    gathered = gather_chords(tmp_path, cache)

    synthetic = sum(item.weight for item in gathered.synthetic)
    real = sum(item.weight for item in gathered.items)

    assert len(gathered.synthetic) == N_SYNTHETIC
    assert synthetic / (synthetic + real) == pytest.approx(TINY_CHORD.synthetic_share)


def test_synthetic_clips_have_all_qualities_and_no_chord(
    tmp_path: Path, cache: FeatureCache
) -> None:
    labels = {CHORDS[item.label] for item in gather_chords(tmp_path, cache).synthetic}
    for quality in ("m", "dim", "7", "maj7", "m7"):
        assert any(label.endswith(quality) for label in labels)
    assert "N" in labels


def test_synthetic_clips_are_the_same_for_the_same_seed(
    tmp_path: Path, cache: FeatureCache
) -> None:
    def grids(seed: int) -> NDArray[np.float16]:
        gathered = gather_chords(tmp_path, cache, seed=seed)
        return np.concatenate([item.grids[0] for item in gathered.synthetic])

    first = grids(1)
    np.testing.assert_array_equal(grids(1), first)
    assert not np.array_equal(grids(2), first)


def test_without_a_share_nothing_is_synthesised(tmp_path: Path, cache: FeatureCache) -> None:
    recipe = replace(TINY_CHORD, synthetic_share=0.0, degraded_copies=0)
    assert gather_chords(tmp_path, cache, recipe).synthetic == []


def test_data_without_a_readable_clip_are_refused(tmp_path: Path, cache: FeatureCache) -> None:
    path = write_csv(tmp_path / "chord.csv", ("file", "chord"), [("missing.wav", "Am")])
    with pytest.raises(TrainingError, match="None of the clips can be read"):
        gather(TINY_CHORD, [path], cache, teacher=None, seed=1)


def test_the_teacher_comments_on_clips_of_other_tasks_without_their_labels(
    tmp_path: Path, cache: FeatureCache
) -> None:
    teacher = TalkingTeacher()

    gathered = gather(TINY_GENRE, [write_music(tmp_path)], cache, teacher=teacher, seed=1)

    assert [clip.label for clip in gathered.clips] == ["jazz", "rock"]
    assert [(item.group, item.label) for item in gathered.taught] == [
        ("x", UNLABELLED),
        ("z", UNLABELLED),
    ]
    assert sorted(teacher.asked) == ["both.wav", "happy.wav", "jazz.wav", "sad.wav"]
    assert [float(item.teacher[0, 0]) for item in gathered.items] == [8.0, 8.0]
    assert [float(item.teacher[0, 0]) for item in gathered.taught] == [7.0, 9.0]


def test_without_a_teacher_clips_of_other_tasks_are_not_read(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather(TINY_GENRE, [write_music(tmp_path)], cache, teacher=None, seed=1)
    assert gathered.taught == []
    assert all(len(item.teacher) == 0 for item in gathered.items)


def make_item(group: str, label: int = 0, n_copies: int = 0, teacher: float | None = None) -> Item:
    grids = [np.full((4, 2), copy, np.float16) for copy in range(n_copies + 1)]
    comment = NOTHING if teacher is None else np.full((2, 3), teacher, np.float32)
    return Item(group, label, grids, comment, weight=2.0)


def test_held_out_groups_take_their_taught_clips_with_them() -> None:
    items = [make_item("a"), make_item("b")]
    taught = [make_item("a", UNLABELLED), make_item("c", UNLABELLED)]
    synthetic = [make_item("synthetic")]
    everything = material.Material([], items, taught, synthetic, [])

    left = everything.without_groups(items, {"a"})

    assert [item.group for item in left] == ["b", "c", "synthetic"]


def test_half_of_the_draws_of_a_clip_are_clean() -> None:
    laid_out = examples([make_item("a", n_copies=2), make_item("b")], scale_of_nothing())

    assert [float(grid[0, 0]) for grid in laid_out.grids] == [0, 1, 2, 0]
    assert CLEAN_SHARE == 0.5
    np.testing.assert_allclose(laid_out.weights, [1.0, 0.5, 0.5, 2.0])
    assert laid_out.labels == [0, 0, 0, 0]


def scale_of_nothing() -> TeacherScale:
    return TeacherScale.of([make_item("a")])


def test_targets_of_the_teacher_are_scaled_to_count_alike() -> None:
    items = [make_item("a", teacher=10.0), make_item("b", teacher=30.0)]

    scale = TeacherScale.of(items)
    laid_out = examples(items, scale)

    stacked = np.concatenate(list(laid_out.teacher))
    np.testing.assert_allclose(stacked.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(stacked.std(axis=0), 1, atol=1e-3)


def test_a_target_that_never_changes_stays_finite() -> None:
    items = [make_item("a", teacher=5.0)]
    assert np.isfinite(TeacherScale.of(items).apply(items[0].teacher)).all()


def test_a_teacher_that_says_nothing_changes_nothing() -> None:
    silent = Item("a", 0, [np.zeros((4, 2), np.float16)], np.zeros((0, 3), np.float32), 1.0)

    scale = TeacherScale.of([silent])

    assert scale.mean.shape == (3,)
    assert scale.apply(silent.teacher).shape == (0, 3)
