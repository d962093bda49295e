import numpy as np
import pytest

from tests.training.made import make_clip
from training.batches import UNLABELLED
from training.labels import CHORDS, TASKS
from training.readers import LabelledClip
from training.readers.gtzan_grid import SPEC as GTZAN_SPEC
from training.recipes import CHORD, EMOTION, GENRE, RECIPES, Recipe, transpose


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_each_task_has_the_recipe_of_its_name() -> None:
    for task in TASKS:
        assert RECIPES[task].task == task
        assert RECIPES[task].labels == TASKS[task]


def test_recipes_are_found_by_their_name() -> None:
    assert all(name == recipe.name for name, recipe in RECIPES.items())


@pytest.mark.parametrize("name", RECIPES)
def test_the_network_takes_the_recipes_windows_and_answers_its_labels(name: str) -> None:
    recipe = RECIPES[name]

    network = recipe.build(0)

    assert network.input_shape == (None, recipe.windows.frames, recipe.features.bands)
    assert list(network.output) == ["logits"]
    assert network.output["logits"].shape == (None, len(recipe.labels))


@pytest.mark.parametrize("recipe", [GENRE, EMOTION], ids=["genre", "emotion"])
def test_recipes_that_listen_to_other_tasks_have_an_output_for_the_teacher(
    recipe: Recipe,
) -> None:
    assert recipe.listens_to
    assert set(recipe.build(250).output_names) == {"logits", "teacher"}


def test_genre_can_learn_from_the_ready_made_grids() -> None:
    assert GENRE.features == GTZAN_SPEC


@pytest.mark.parametrize("name", RECIPES)
def test_an_augmented_window_keeps_its_shape_and_type(name: str) -> None:
    recipe = RECIPES[name]
    shape = (recipe.windows.frames, recipe.features.bands)
    for seed in range(20):
        window = rng(seed).random(shape, dtype=np.float32)
        changed, label = recipe.augment(window, 0, rng(seed))

        assert changed.shape == shape
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert 0 <= label < len(recipe.labels)


@pytest.mark.parametrize("name", RECIPES)
def test_augmenting_a_clip_without_a_label_gives_it_none(name: str) -> None:
    recipe = RECIPES[name]
    window = np.ones((recipe.windows.frames, recipe.features.bands), np.float32)
    labels = {recipe.augment(window, UNLABELLED, rng(seed))[1] for seed in range(10)}
    assert labels == {UNLABELLED}


@pytest.mark.parametrize("recipe", [GENRE, EMOTION], ids=["genre", "emotion"])
def test_music_keeps_its_label(recipe: Recipe) -> None:
    window = np.ones((recipe.windows.frames, recipe.features.bands), np.float32)
    assert {recipe.augment(window, 1, rng(seed))[1] for seed in range(10)} == {1}


@pytest.mark.parametrize(
    ("chord", "semitones", "moved"),
    [
        ("C", 0, "C"), ("Am", 3, "Cm"), ("Bdim", 1, "Cdim"), ("C7", -1, "B7"),
        ("Ebmaj7", 12, "Ebmaj7"), ("F#m7", -5, "C#m7"), ("N", 4, "N"),
    ],
)  # fmt: skip
def test_transposing_moves_the_root_and_keeps_the_quality(
    chord: str, semitones: int, moved: str
) -> None:
    assert CHORDS[transpose(CHORDS.index(chord), semitones)] == moved


def test_what_has_no_label_has_none_after_transposing() -> None:
    assert transpose(UNLABELLED, 3) == UNLABELLED


def test_an_augmented_chord_sounds_like_its_new_label() -> None:
    notes = np.zeros((CHORD.windows.frames, CHORD.features.bands), np.float32)
    notes[:, [3 * (24 + 9), 3 * (36 + 0), 3 * (36 + 4)]] = 1  # A, C and E
    for seed in range(30):
        changed, label = CHORD.augment(notes, CHORDS.index("Am"), rng(seed))

        # Detuning moves part of a note to the third of a semitone above or below.
        thirds = np.roll(changed.mean(axis=0), 1).reshape(-1, 3).sum(axis=1)
        folded = thirds.reshape(-1, 12).sum(axis=0)
        root = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"].index(
            CHORDS[label].removesuffix("m")
        )
        assert set(folded.argsort()[-3:].tolist()) == {root, (root + 3) % 12, (root + 7) % 12}


def test_chords_are_moved_both_ways() -> None:
    window = np.ones((CHORD.windows.frames, CHORD.features.bands), np.float32)
    labels = {CHORD.augment(window, CHORDS.index("C"), rng(seed))[1] for seed in range(300)}
    assert labels == {CHORDS.index("C") + 6 * root for root in range(12)}


@pytest.mark.parametrize(
    ("recipe", "rare", "common"),
    [
        (GENRE, make_clip("jazz"), make_clip("rock")),
        (CHORD, make_clip(data_set="small"), make_clip(data_set="large")),
    ],
    ids=["by label", "by data set"],
)
def test_what_is_rare_is_drawn_more_often_halfway_to_balance(
    recipe: Recipe, rare: LabelledClip, common: LabelledClip
) -> None:
    weights = recipe.weigh([rare] + [common] * 4)
    assert weights[0] == pytest.approx(2 * weights[1])


def test_folds_of_genre_judge_only_clips_outside_the_official_lists() -> None:
    clips = [make_clip("jazz", f"g{i}", split="extra") for i in range(8)]
    clips += [make_clip("jazz", f"t{i}", split="train") for i in range(8)]
    held_out = {i for fold in GENRE.folds(clips) for i in fold.test}
    assert held_out == set(range(8))


def test_folds_of_emotion_judge_every_clip() -> None:
    clips = [make_clip("sad", f"g{i}") for i in range(10)]
    assert sorted(i for fold in EMOTION.folds(clips) for i in fold.test) == list(range(10))


def test_folds_of_chords_hold_out_data_sets() -> None:
    clips = [make_clip(group=f"{name}-{i}", data_set=name) for name in "ab" for i in range(3)]
    assert [fold.name for fold in CHORD.folds(clips)] == ["a", "b"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_test_list_is_never_learned_from(name: str) -> None:
    recipe = RECIPES[name]
    assert "test" in recipe.held_back
