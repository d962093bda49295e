from pathlib import Path

import numpy as np
import pytest

from service.inference.features import FilterBank
from tests.audio import noise
from tests.server import ROOT
from tests.training.data.readers.pictures import random_levels
from tests.training.fitting.lists import (
    MUSIC,
    TalkingTeacher,
    gather_chords,
    write_chords,
    write_music,
    write_speech,
)
from tests.training.made import write_csv, write_wav
from tests.training.tiny import TINY_CHORD, varied
from training.augmentation.degradation import DegradedAudio
from training.data.cache import FeatureCache
from training.data.cuts import CutAudio
from training.data.filter_banks import make_bank
from training.data.labels import CHORDS, EMOTIONS, GENRES, UNLABELLED
from training.data.readers import AudioFile
from training.data.readers.clips import Source
from training.errors import TrainingError
from training.fitting.beside import Beside
from training.fitting.material import SHORT_S, assemble, gather
from training.networks.context import OUTPUTS, ContextRecipe, load_context, write_context
from training.recipes import GENRE_PICTURES

CHORD_BANK: FilterBank = make_bank(TINY_CHORD.inputs.features)


def test_each_readable_clip_is_an_item_with_its_label_and_group(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather_chords(tmp_path, cache)

    assert [clip.label for clip in gathered.clips] == ["Am", "C", "Am", "N", "Bdim"]
    assert [CHORDS[item.label] for item in gathered.items] == ["Am", "C", "Am", "N", "Bdim"]
    assert [item.group for item in gathered.items] == ["guitar-a"] * 4 + ["guitar-b"]
    assert [Path(skipped.name).name for skipped in gathered.skipped] == ["broken.wav"]


def test_an_item_has_its_clean_grid_first_and_then_its_copies(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather_chords(tmp_path, cache, varied(TINY_CHORD, degraded_copies=2))

    for clip, item in zip(gathered.clips, gathered.items, strict=True):
        assert isinstance(clip.source, AudioFile)
        forms: list[Source] = [clip.source]
        forms += [DegradedAudio(clip.source, copy) for copy in range(2)]
        assert len(item.grids) == 3
        for form, grid in zip(forms, item.grids, strict=True):
            expected = form.grid(TINY_CHORD.inputs.features, CHORD_BANK)
            np.testing.assert_array_equal(grid, expected.astype(np.float16))


def test_short_beginnings_come_after_the_copies_the_same_each_time(
    tmp_path: Path, cache: FeatureCache
) -> None:
    recipe = varied(TINY_CHORD, short_copies=2)
    gathered = gather_chords(tmp_path, cache, recipe)
    again = assemble(recipe, gathered.clips, cache, seed=2)

    features = TINY_CHORD.inputs.features
    for clip, item in zip(gathered.clips, gathered.items, strict=True):
        assert isinstance(clip.source, AudioFile)
        n_forms = 1 + TINY_CHORD.supplement.degraded_copies
        assert len(item.grids) == n_forms + 2
        cuts = [CutAudio(clip.source, s).grid(features, CHORD_BANK) for s in SHORT_S]
        for beginning in item.grids[n_forms:]:
            assert any(np.array_equal(beginning, cut.astype(np.float16)) for cut in cuts)
    for item, same in zip(gathered.items, again.items, strict=True):
        for grid, other in zip(item.grids, same.grids, strict=True):
            np.testing.assert_array_equal(grid, other)


def test_weights_are_those_of_the_recipe_and_one_on_average(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather_chords(tmp_path, cache)
    weights = [item.weight for item in gathered.items]

    assert np.mean(weights) == pytest.approx(1)
    # Data set a has four clips, b one.
    assert weights[4] / weights[0] == pytest.approx(2)


def test_data_without_a_readable_clip_are_refused(tmp_path: Path, cache: FeatureCache) -> None:
    path = write_csv(tmp_path / "chord.csv", ("file", "chord"), [("missing.wav", "Am")])
    with pytest.raises(TrainingError, match="None of the clips can be read"):
        gather(TINY_CHORD, [path], cache, teacher=None, seed=1)


def test_the_teacher_comments_on_further_clips_too(tmp_path: Path, cache: FeatureCache) -> None:
    teacher = TalkingTeacher()

    gathered = gather(MUSIC, [write_music(tmp_path)], cache, teacher=teacher, seed=1)

    assert [clip.label for clip in gathered.clips] == ["jazz", "rock"]
    assert [(item.group, item.label) for item in gathered.others] == [
        ("x", UNLABELLED),
        ("z", UNLABELLED),
    ]
    assert sorted(teacher.asked) == ["both.wav", "happy.wav", "jazz.wav", "sad.wav"]
    assert [float(item.teacher[0, 0]) for item in gathered.items] == [8.0, 8.0]
    assert [float(item.teacher[0, 0]) for item in gathered.others] == [7.0, 9.0]
    assert [item.weight for item in gathered.others] == [1, 1]


def test_a_clip_has_its_label_of_each_list_that_names_it(
    tmp_path: Path, cache: FeatureCache
) -> None:
    data = write_music(tmp_path)
    genre, emotion = GENRES.index, EMOTIONS.index

    gathered = gather(MUSIC, [data], cache, teacher=None, seed=1)

    labels = [(item.label, item.companion) for item in (*gathered.items, *gathered.others)]
    assert labels == [
        (genre("jazz"), UNLABELLED),
        (genre("rock"), emotion("sad")),
        (UNLABELLED, emotion("sad")),
        (UNLABELLED, emotion("happy")),
    ]


def test_without_a_companion_other_labels_are_not_read(tmp_path: Path, cache: FeatureCache) -> None:
    alone = varied(MUSIC, companion=None)
    gathered = gather(alone, [write_music(tmp_path)], cache, teacher=None, seed=1)
    assert {item.companion for item in (*gathered.items, *gathered.others)} == {UNLABELLED}


def test_without_further_tasks_a_recipe_reads_its_own_list_alone(
    tmp_path: Path, cache: FeatureCache
) -> None:
    alone = varied(MUSIC, further=())
    gathered = gather(alone, [write_music(tmp_path)], cache, teacher=None, seed=1)
    assert gathered.others == []
    assert all(len(item.teacher) == 0 for item in gathered.items)
    # A clip that is in both lists has both labels all the same.
    assert [item.companion for item in gathered.items] == [UNLABELLED, EMOTIONS.index("sad")]


def test_further_clips_of_splits_that_are_left_out_are_not_read(
    tmp_path: Path, cache: FeatureCache
) -> None:
    write_music(tmp_path)
    rows = [("sad.wav", "sad", "x", "faulty"), ("happy.wav", "happy", "z", "extra")]
    write_csv(tmp_path / "emotion.csv", ("file", "emotion", "group", "split"), rows)

    gathered = gather(MUSIC, [tmp_path], cache, teacher=None, seed=1)

    assert [item.group for item in gathered.others] == ["z"]


def test_further_clips_have_copies_too(tmp_path: Path, cache: FeatureCache) -> None:
    recipe = varied(MUSIC, degraded_copies=1)

    gathered = gather(recipe, [write_music(tmp_path)], cache, teacher=None, seed=1)

    copy = DegradedAudio(AudioFile(tmp_path / "happy.wav"), 0)
    expected = copy.grid(recipe.inputs.features, make_bank(recipe.inputs.features)).astype(
        np.float16
    )
    happy = gathered.others[1]
    assert happy.group == "z"
    np.testing.assert_array_equal(happy.grids[1], expected)
    assert [len(item.grids) for item in (*gathered.items, *gathered.others)] == [2] * 4


def write_pictured_music(folder: Path) -> Path:
    """Write a clip twice, as audio with two labels and as a grid."""
    write_wav(folder / "blues.00000.wav", noise(0.5, rate_hz=22_050), 22_050)
    for task, label in (("genre", "blues"), ("emotion", "happy")):
        rows = [("blues.00000.wav", label, "singer")]
        write_csv(folder / f"{task}.csv", ("file", task, "group"), rows)
    np.savez(
        folder / "gtzan_mel.npz",
        mel=random_levels()[None],
        name=np.array(["blues.00000"]),
        genre=np.array(["blues"]),
        group=np.array(["singer on the picture"]),
    )
    return folder


def test_audio_of_a_ready_grid_is_heard_without_its_label_of_the_task(
    tmp_path: Path, cache: FeatureCache
) -> None:
    teacher = TalkingTeacher()
    recipe = varied(GENRE_PICTURES, degraded_copies=1)

    gathered = gather(recipe, [write_pictured_music(tmp_path)], cache, teacher=teacher, seed=1)

    assert [Path(clip.source.name).name for clip in gathered.clips] == ["gtzan_mel.npz:blues.00000"]
    (grid,), (audio,) = gathered.items, gathered.others
    assert (grid.group, grid.label) == ("singer on the picture", GENRES.index("blues"))
    assert grid.companion == UNLABELLED
    assert (audio.group, audio.label) == ("singer", UNLABELLED)
    assert audio.companion == EMOTIONS.index("happy")
    # A grid has no copies, there is nothing to degrade.
    assert (len(grid.grids), len(audio.grids)) == (1, 2)
    assert "blues.00000.wav" in teacher.asked


def test_a_recipe_that_reads_no_pictures_leaves_ready_grids_alone(
    tmp_path: Path, cache: FeatureCache
) -> None:
    gathered = gather(MUSIC, [write_pictured_music(tmp_path)], cache, teacher=None, seed=1)

    assert [Path(clip.source.name).name for clip in gathered.clips] == ["blues.00000.wav"]
    (item,) = gathered.items
    assert (item.label, item.companion) == (GENRES.index("blues"), EMOTIONS.index("happy"))
    assert gathered.others == []


def test_all_that_is_learned_from_has_a_context_of_its_own(
    tmp_path: Path, cache: FeatureCache
) -> None:
    data = write_chords(tmp_path / "data")
    speech = write_speech(tmp_path / "speech", 3)
    write_context(ContextRecipe("chord", 20), ROOT / "models", tmp_path / "context")
    context = load_context(tmp_path / "context")

    beside = Beside(outside=[speech], context=context)
    gathered = gather(TINY_CHORD, [data], cache, teacher=None, seed=1, beside=beside)

    for items in (gathered.items, gathered.others, gathered.synthetic):
        contexts = np.stack([item.context for item in items])
        assert contexts.shape == (len(items), OUTPUTS)
        assert len(np.unique(contexts, axis=0)) > 1
    without = gather(TINY_CHORD, [data], cache, teacher=None, seed=1)
    assert all(item.context.shape == (0,) for item in (*without.items, *without.synthetic))
