from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from service.inference.features import FilterBank
from tests.audio import noise
from tests.server import ROOT
from tests.training.data.readers.pictures import random_levels
from tests.training.fitting.test_song_windows import write_song
from tests.training.made import GUITAR_RATE_HZ, strum, write_csv, write_wav
from tests.training.tiny import N_RENDERED, TINY_CHORD, TINY_GENRE, varied
from training.augmentation.degradation import DegradedAudio
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.data.labels import CHORDS, EMOTIONS, GENRES, OUTSIDE, UNLABELLED
from training.data.readers import AudioFile
from training.data.readers.clips import Source
from training.errors import TrainingError
from training.fitting import beside
from training.fitting.beside import NOTHING_BESIDE, Beside
from training.fitting.items import Item, Material
from training.fitting.material import gather
from training.networks.context import OUTPUTS, ContextRecipe, load_context, write_context
from training.networks.teacher import Teacher
from training.recipes import GENRE_PICTURES, Recipe
from training.recipes.recipe import Rendering
from training.synthesis.guitar import GuitarSound, Pluck, render_chord
from training.synthesis.sampled_guitar import SampledGuitar
from training.synthesis.waveform import Waveform

CHORD_BANK: FilterBank = make_bank(TINY_CHORD.inputs.features)
MUSIC = varied(TINY_GENRE, rendering=None)


class TalkingTeacher(Teacher):
    """Says how long a clip's name is, once for each."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def ask(self, sources: Sequence[Source]) -> list[NDArray[np.float32]]:
        self.asked += [Path(source.name).name for source in sources]
        return [np.full((1, 2), len(Path(s.name).name), np.float32) for s in sources]


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


def write_outsiders(folder: Path) -> Path:
    """Write four clips of one guitar and two of a player with a genre as well."""
    rows = [(f"a{n}.wav", "Am", "guitar-a") for n in range(4)]
    rows += [(f"b{n}.wav", "C", "x") for n in range(2)]
    for n, (file, *_) in enumerate(rows):
        write_wav(folder / file, noise(0.3, rate_hz=GUITAR_RATE_HZ, seed=n), GUITAR_RATE_HZ)
    return write_csv(folder / "chord.csv", ("file", "chord", "group"), rows)


def gather_chords(
    tmp_path: Path,
    cache: FeatureCache,
    recipe: Recipe = TINY_CHORD,
    seed: int = 1,
    further: Beside = NOTHING_BESIDE,
) -> Material:
    data = [write_chords(tmp_path / "data")]
    return gather(recipe, data, cache, teacher=None, seed=seed, beside=further)


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

    assert len(gathered.synthetic) == N_RENDERED
    assert synthetic / (synthetic + real) == pytest.approx(TINY_CHORD.supplement.share)


def test_songs_make_up_their_share_and_are_learned_from_whatever_is_held_out(
    tmp_path: Path, cache: FeatureCache
) -> None:
    recipe = varied(TINY_CHORD, songs_share=0.4)
    songs = write_song(tmp_path / "songs")
    gathered = gather_chords(tmp_path, cache, recipe, further=Beside(songs=[songs]))

    drawn = sum(item.weight for item in gathered.songs)
    other = sum(item.weight for item in (*gathered.items, *gathered.synthetic))
    assert drawn / (drawn + other) == pytest.approx(0.4)
    groups = {item.group for item in gathered.items}
    left = gathered.without_groups(gathered.items, groups)
    assert left == [*gathered.synthetic, *gathered.songs]


def test_synthetic_clips_have_all_qualities_and_no_chord(
    tmp_path: Path, cache: FeatureCache
) -> None:
    rendering = TINY_CHORD.supplement.rendering
    assert rendering is not None
    recipe = varied(TINY_CHORD, rendering=replace(rendering, count=80))
    labels = {CHORDS[item.label] for item in gather_chords(tmp_path, cache, recipe).synthetic}
    for quality in ("m", "dim", "7", "maj7", "m7", "sus4", "aug"):
        assert any(label.endswith(quality) for label in labels)
    assert "N" in labels


def test_synthetic_chords_are_nothing_to_the_companion_and_noises_are_outside_of_all(
    tmp_path: Path, cache: FeatureCache
) -> None:
    chords = gather_chords(tmp_path, cache).synthetic
    assert {item.companion for item in chords} == {UNLABELLED}

    noises = gather(TINY_GENRE, [write_music(tmp_path)], cache, teacher=None, seed=1).synthetic

    assert len(noises) == N_RENDERED
    assert {(item.label, item.companion) for item in noises} == {(OUTSIDE, OUTSIDE)}
    assert all(len(item.teacher) == 0 for item in (*chords, *noises))


def test_synthetic_clips_are_the_same_for_the_same_seed(
    tmp_path: Path, cache: FeatureCache
) -> None:
    def grids(seed: int) -> NDArray[np.float16]:
        gathered = gather_chords(tmp_path, cache, seed=seed)
        return np.concatenate([item.grids[0] for item in gathered.synthetic])

    first = grids(1)
    np.testing.assert_array_equal(grids(1), first)
    assert not np.array_equal(grids(2), first)


def test_a_recipe_without_rendering_has_no_synthetic_clips(
    tmp_path: Path, cache: FeatureCache
) -> None:
    recipe = varied(TINY_CHORD, rendering=None, degraded_copies=0)
    gathered = gather_chords(tmp_path, cache, recipe)
    assert gathered.synthetic == []
    assert all(len(item.grids) == 1 for item in gathered.items)


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


def test_some_clips_of_each_group_are_known_to_be_outside(
    tmp_path: Path, cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "OUTSIDERS_PER_GROUP", 3)
    data = write_music(tmp_path)
    write_outsiders(data)
    teacher = TalkingTeacher()

    def outsiders(seed: int) -> list[Item]:
        gathered = gather(MUSIC, [data], cache, teacher=teacher, seed=seed)
        return [item for item in gathered.others if item.label == OUTSIDE]

    found = outsiders(1)
    assert sorted(item.group for item in found) == ["guitar-a"] * 3 + ["x"] * 2
    for item in found:
        assert item.companion == OUTSIDE
        assert len(item.grids) == 1
        assert len(item.teacher) == 0
    assert set(teacher.asked) == {"jazz.wav", "both.wav", "sad.wav", "happy.wav"}
    levels = [[float(item.grids[0].sum()) for item in outsiders(seed)] for seed in (1, 1, 2, 3)]
    assert levels[0] == levels[1]
    assert any(levels[0] != other for other in levels[2:])


def write_speech(folder: Path, count: int) -> Path:
    """Write recordings, one of them in a folder below, beside a file that is none."""
    for n in range(count):
        place = folder / "below" if n == 0 else folder
        write_wav(place / f"{n}.wav", noise(0.3, rate_hz=8_000, seed=n), 8_000)
    (folder / "README.txt").write_text("spoken by nobody", "utf-8")
    return folder


def test_recordings_of_a_folder_are_outside_whatever_the_recipe(
    tmp_path: Path, cache: FeatureCache
) -> None:
    data = write_music(tmp_path / "data")
    folders = [write_speech(tmp_path / "speech", 3), write_speech(tmp_path / "machines", 2)]
    recipe = varied(MUSIC, further=())
    teacher = TalkingTeacher()

    gathered = gather(
        recipe, [data], cache, teacher=teacher, seed=1, beside=Beside(outside=folders)
    )

    assert [item.group for item in gathered.others] == [
        *["outside:speech"] * 3,
        *["outside:machines"] * 2,
    ]
    for item in gathered.others:
        assert (item.label, item.companion) == (OUTSIDE, OUTSIDE)
        assert (len(item.grids), len(item.teacher)) == (1, 0)
    share = sum(item.weight for item in gathered.others)
    everything = share + sum(item.weight for item in gathered.items)
    assert share / everything == pytest.approx(recipe.supplement.share)
    assert set(teacher.asked) == {"jazz.wav", "both.wav"}


def test_recordings_of_a_folder_are_no_chord_to_the_chord_recipe(
    tmp_path: Path, cache: FeatureCache
) -> None:
    data = write_chords(tmp_path / "data")
    speech = write_speech(tmp_path / "speech", 3)

    gathered = gather(TINY_CHORD, [data], cache, teacher=None, seed=1, beside=Beside([speech]))

    # As they are, and in a degraded copy each.
    assert [item.group for item in gathered.others] == ["outside:speech"] * 6
    assert {item.label for item in gathered.others} == {CHORDS.index("N")}
    assert len({item.grids[0].tobytes() for item in gathered.others}) == 6


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


def test_guitars_of_a_soundfont_play_half_of_the_chords(
    tmp_path: Path, cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def no_guitars(soundfont: Path, sample_rate_hz: int) -> list[SampledGuitar]:
        asked.append((soundfont.name, sample_rate_hz))
        return [SampledGuitar(np.zeros((40, 10), np.float32))]

    monkeypatch.setattr(beside, "sampled_guitars", no_guitars)
    data = write_chords(tmp_path / "data")
    # Without noise, what a silent guitar plays is silence.
    quiet = varied(TINY_CHORD, rendering=Rendering(40, play_one_chord))

    def silent(beside: Beside) -> int:
        gathered = gather(quiet, [data], cache, teacher=None, seed=1, beside=beside)
        return sum(not item.grids[0].any() for item in gathered.synthetic)

    assert silent(Beside()) == 0
    assert asked == []
    assert silent(Beside(soundfonts=[Path("guitars.sf2")])) == 20
    assert asked == [("guitars.sf2", TINY_CHORD.inputs.features.sample_rate_hz)]


def play_one_chord(
    sample_rate_hz: int, rng: np.random.Generator, pluck: Pluck | None
) -> tuple[str, Waveform]:
    sound = GuitarSound(noise_db=-300)
    return "C", render_chord(0, "maj", 1.0, sample_rate_hz, rng, sound, pluck)


def test_of_a_large_folder_some_recordings_are_drawn(
    tmp_path: Path, cache: FeatureCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beside, "OUTSIDERS_PER_FOLDER", 3)
    data = write_music(tmp_path / "data")
    speech = write_speech(tmp_path / "speech", 8)

    def drawn_with(seed: int) -> list[bytes]:
        recipe = varied(MUSIC, further=())
        gathered = gather(recipe, [data], cache, teacher=None, seed=seed, beside=Beside([speech]))
        return [item.grids[0].tobytes() for item in gathered.others]

    drawn = drawn_with(1)
    assert len(set(drawn)) == 3
    assert drawn_with(1) == drawn
    assert any(drawn_with(seed) != drawn for seed in (2, 3))


def test_a_folder_without_recordings_is_a_mistake(tmp_path: Path, cache: FeatureCache) -> None:
    data = write_music(tmp_path / "data")
    with pytest.raises(TrainingError, match="nowhere holds no audio"):
        gather(MUSIC, [data], cache, teacher=None, seed=1, beside=Beside([tmp_path / "nowhere"]))


def test_outside_and_rendered_sounds_together_make_up_their_share(
    tmp_path: Path, cache: FeatureCache
) -> None:
    data = write_music(tmp_path)
    write_outsiders(data)

    gathered = gather(TINY_GENRE, [data], cache, teacher=None, seed=1)

    outside = [item for item in gathered.others if item.label == OUTSIDE]
    beside = [*outside, *gathered.synthetic]
    assert len(beside) == 6 + N_RENDERED
    assert len({item.weight for item in beside}) == 1
    drawn = [*gathered.items, *gathered.others, *gathered.synthetic]
    share = sum(item.weight for item in beside) / sum(item.weight for item in drawn)
    assert share == pytest.approx(TINY_GENRE.supplement.share)
