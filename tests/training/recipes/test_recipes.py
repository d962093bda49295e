import numpy as np
import pytest

from tests.training.made import make_clip
from training.data.labels import CHORDS, NO_CHORD, OUTSIDE, QUALITIES, TASKS, UNLABELLED
from training.data.readers import LabelledClip
from training.evaluation.evaluate import PICTURES_FOLDER
from training.networks import musicnn
from training.networks.context import OUTPUTS
from training.networks.listener import UNITS
from training.networks.teacher import TARGETS
from training.recipes import CHORD, EMOTION, GENRE, RECIPES, Recipe
from training.recipes.chord import transpose


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_each_task_has_the_recipe_of_its_name() -> None:
    for task in TASKS:
        assert RECIPES[task].task == task
        assert RECIPES[task].labels == TASKS[task]


def test_recipes_are_found_by_their_name() -> None:
    assert all(name == recipe.name for name, recipe in RECIPES.items())


def test_each_bundle_has_a_folder_of_its_own_and_pictures_are_a_variant_of_genre() -> None:
    served = {name: recipe.serving.bundle for name, recipe in RECIPES.items()}
    bundles = {name: bundle for name, bundle in served.items() if bundle}
    assert bundles == {
        **{task: task for task in TASKS},
        "genre_pictures": f"{GENRE.serving.bundle}/{PICTURES_FOLDER}",
    }


@pytest.mark.parametrize(
    ("name", "outputs"),
    [
        ("genre", {"logits": 10, "companion": 2}),
        ("emotion", {"logits": 2}),
        ("genre_pictures", {"logits": 10, "companion": 2}),
        ("chord", {"logits": 12 * len(QUALITIES) + 1}),
        ("genre_statistics", {"logits": 10}),
    ],
)
def test_the_network_takes_the_recipes_windows_and_answers_its_labels(
    name: str, outputs: dict[str, int]
) -> None:
    recipe = RECIPES[name]

    network = recipe.build(0)

    seen = (recipe.inputs.windows.frames, recipe.inputs.features.bands)
    if recipe.inputs.backbone is not None:
        seen = (1, UNITS + (0 if recipe.inputs.context is None else OUTPUTS))
    assert network.input_shape == (None, *seen)
    assert {key: out.shape[1] for key, out in network.output.items()} == outputs
    assert outputs["logits"] == len(recipe.labels)
    assert outputs.get("companion", 0) == len(TASKS.get(recipe.supplement.companion or "", ()))


@pytest.mark.parametrize("recipe", [GENRE, EMOTION], ids=["genre", "emotion"])
def test_the_backbone_takes_the_recipes_windows(recipe: Recipe) -> None:
    assert recipe.inputs.backbone is not None
    backbone = recipe.inputs.backbone()
    assert backbone.input_shape == (
        None,
        recipe.inputs.windows.frames,
        recipe.inputs.features.bands,
    )
    assert backbone.output_shape == (None, UNITS)


def test_recipes_with_a_teacher_have_an_output_for_it() -> None:
    taught = [recipe for recipe in RECIPES.values() if recipe.supplement.teacher]
    assert taught
    for recipe in taught:
        assert recipe.build(TARGETS).output["teacher"].shape == (None, TARGETS)


def test_a_companions_audio_is_learned_from() -> None:
    for recipe in RECIPES.values():
        companion = recipe.supplement.companion
        assert companion is None or companion in recipe.supplement.further
        assert companion != recipe.task


def test_what_is_outside_is_of_other_tasks() -> None:
    for recipe in RECIPES.values():
        assert not {recipe.task, recipe.supplement.companion, *recipe.supplement.further} & set(
            recipe.supplement.outside
        )


def test_one_recipe_reads_pictures() -> None:
    assert [recipe.name for recipe in RECIPES.values() if recipe.reads_pictures] == [
        "genre_pictures"
    ]


def test_recipes_of_music_see_what_musicnn_hears_at_one_loudness() -> None:
    for recipe in (GENRE, EMOTION):
        any_loudness = recipe.inputs.features.model_copy(update={"loudness_lufs": None})
        assert any_loudness == musicnn.SPEC
        assert recipe.inputs.features.loudness_lufs is not None
        assert recipe.inputs.windows.frames == musicnn.FRAMES


@pytest.mark.parametrize("copies", ["degraded_copies", "short_copies"])
def test_chords_alone_have_copies(copies: str) -> None:
    found = [name for name, recipe in RECIPES.items() if getattr(recipe.supplement, copies)]
    assert found == ["chord"]


@pytest.mark.parametrize("name", ["genre", "emotion", "chord"])
def test_rendered_sounds_are_long_enough_for_a_window_and_of_the_vocabulary(name: str) -> None:
    recipe = RECIPES[name]
    assert recipe.supplement.rendering is not None
    labels = set()
    for seed in range(60):
        label, samples = recipe.supplement.rendering.render(
            recipe.inputs.features.sample_rate_hz, rng(seed), None
        )
        labels.add(label)
        assert len(samples) // recipe.inputs.features.hop_samples >= recipe.inputs.windows.frames
    if name == "chord":
        assert NO_CHORD in labels
        assert labels <= set(CHORDS)
        assert len(labels) > 20
    else:
        assert labels == {None}


@pytest.mark.parametrize("name", RECIPES)
def test_an_augmented_window_keeps_its_shape_and_type(name: str) -> None:
    recipe = RECIPES[name]
    shape = (recipe.inputs.windows.frames, recipe.inputs.features.bands)
    for seed in range(20):
        window = rng(seed).random(shape, dtype=np.float32)
        changed, label = recipe.augment(window, 0, rng(seed))

        assert changed.shape == shape
        assert changed.dtype == np.float32
        assert np.isfinite(changed).all()
        assert 0 <= label < len(recipe.labels)


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("label", [UNLABELLED, OUTSIDE])
def test_augmenting_a_clip_without_a_label_gives_it_none(name: str, label: int) -> None:
    recipe = RECIPES[name]
    window = np.ones((recipe.inputs.windows.frames, recipe.inputs.features.bands), np.float32)
    labels = {recipe.augment(window, label, rng(seed))[1] for seed in range(10)}
    assert labels == {label}


@pytest.mark.parametrize("recipe", [GENRE, EMOTION], ids=["genre", "emotion"])
def test_music_keeps_its_label(recipe: Recipe) -> None:
    window = np.ones((recipe.inputs.windows.frames, recipe.inputs.features.bands), np.float32)
    assert {recipe.augment(window, 1, rng(seed))[1] for seed in range(10)} == {1}


@pytest.mark.parametrize(
    ("chord", "semitones", "moved"),
    [
        ("C", 0, "C"), ("Am", 3, "Cm"), ("Bdim", 1, "Cdim"), ("C7", -1, "B7"),
        ("Ebmaj7", 12, "Ebmaj7"), ("F#m7", -5, "C#m7"), ("N", 4, "N"), ("Am6", 2, "Bm6"),
    ],
)  # fmt: skip
def test_transposing_moves_the_root_and_keeps_the_quality(
    chord: str, semitones: int, moved: str
) -> None:
    assert CHORDS[transpose(CHORDS.index(chord), semitones)] == moved


@pytest.mark.parametrize("label", [UNLABELLED, OUTSIDE])
def test_what_has_no_label_has_none_after_transposing(label: int) -> None:
    assert transpose(label, 3) == label


def test_an_augmented_chord_sounds_like_its_new_label() -> None:
    notes = np.zeros((CHORD.inputs.windows.frames, CHORD.inputs.features.bands), np.float32)
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
    window = np.ones((CHORD.inputs.windows.frames, CHORD.inputs.features.bands), np.float32)
    labels = {CHORD.augment(window, CHORDS.index("C"), rng(seed))[1] for seed in range(300)}
    assert labels == {CHORDS.index("C") + len(QUALITIES) * root for root in range(12)}


@pytest.mark.parametrize(
    ("recipe", "rare", "common"),
    [
        (GENRE, make_clip("jazz"), make_clip("rock")),
        (CHORD, make_clip(data_set="small"), make_clip(data_set="large")),
    ],
    ids=["by label", "by data set"],
)
def test_what_is_rare_is_drawn_more_often_but_not_quite_to_balance(
    recipe: Recipe, rare: LabelledClip, common: LabelledClip
) -> None:
    weights = recipe.weigh([rare] + [common] * 4)
    assert 1.5 * weights[1] < weights[0] < 3 * weights[1]


def test_folds_of_genre_judge_only_clips_outside_the_official_lists() -> None:
    clips = [make_clip("jazz", f"g{i}", split="extra") for i in range(8)]
    clips += [make_clip("jazz", f"t{i}", split="train") for i in range(8)]
    held_out = {i for fold in GENRE.validation.folds(clips) for i in fold.test}
    assert held_out == set(range(8))


def test_folds_of_emotion_judge_every_clip() -> None:
    clips = [make_clip("sad", f"g{i}") for i in range(10)]
    assert sorted(i for fold in EMOTION.validation.folds(clips) for i in fold.test) == list(
        range(10)
    )


def test_folds_of_chords_hold_out_data_sets() -> None:
    clips = [make_clip(group=f"{name}-{i}", data_set=name) for name in "ab" for i in range(3)]
    assert [fold.name for fold in CHORD.validation.folds(clips)] == ["a", "b"]


@pytest.mark.parametrize("name", RECIPES)
def test_the_test_list_is_never_learned_from(name: str) -> None:
    recipe = RECIPES[name]
    assert "test" in recipe.validation.held_back
