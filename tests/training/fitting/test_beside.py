from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.training.fitting.lists import (
    MUSIC,
    TalkingTeacher,
    gather_chords,
    write_chords,
    write_music,
    write_outsiders,
    write_speech,
)
from tests.training.fitting.test_song_windows import write_song
from tests.training.tiny import N_RENDERED, TINY_CHORD, TINY_GENRE, varied
from training.data.cache import FeatureCache
from training.data.labels import CHORDS, OUTSIDE, UNLABELLED
from training.errors import TrainingError
from training.fitting import beside
from training.fitting.beside import Beside
from training.fitting.items import Item
from training.fitting.material import gather
from training.recipes.recipe import Rendering
from training.synthesis.guitar import GuitarSound, Pluck, render_chord
from training.synthesis.sampled_guitar import SampledGuitar
from training.synthesis.waveform import Waveform


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
