from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.data.annotation import Annotation
from training.data.cache import FeatureCache
from training.data.filter_banks import make_bank
from training.data.labels import CHORDS
from training.data.song_folder import write_jams
from training.errors import TrainingError
from training.fitting.items import Item
from training.fitting.song_windows import STRIDE_FRAMES, song_windows
from training.recipes import RECIPES
from training.synthesis.guitar import GuitarSound, render_chord

CHORD = RECIPES["chord"]
RATE_HZ = CHORD.inputs.features.sample_rate_hz
LENGTHS_S = (4.0, 12.0, 4.0)


def write_song(folder: Path, cents: float = 0.0) -> Path:
    """Write C, then for longer Am, then a suspended chord; return the folder."""
    rng = np.random.default_rng(1)
    sound = GuitarSound(detune_cents=cents)
    played = zip(((0, "maj"), (9, "min"), (2, "sus4")), LENGTHS_S, strict=True)
    samples = np.concatenate(
        [render_chord(*chord, length_s, RATE_HZ, rng, sound) for chord, length_s in played]
    )
    folder.mkdir(exist_ok=True)
    soundfile.write(folder / "song.wav", samples, RATE_HZ)
    ends_s = np.cumsum(LENGTHS_S)
    chords = Annotation(
        np.stack([ends_s - LENGTHS_S, ends_s], axis=1), ["C:maj", "A:min", "D:sus4(b7)/5"]
    )
    write_jams(folder / "song.jams", chords, None, float(ends_s[-1]), {"group": "007"})
    return folder


def windows_of(folder: Path) -> list[Item]:
    bank = make_bank(CHORD.inputs.features)
    return song_windows(CHORD, [folder], bank, FeatureCache(folder / "cache"))


def test_windows_are_as_long_as_the_timelines_and_named_by_what_sounds(tmp_path: Path) -> None:
    windows = windows_of(write_song(tmp_path))

    timeline = CHORD.serving.timeline
    assert timeline is not None
    assert {len(window.grids[0]) for window in windows} == {timeline.heard_frames}
    assert {window.group for window in windows} == {"songs:007"}
    names = [CHORDS[window.label] for window in windows]
    assert list(dict.fromkeys(names)) == ["C", "Am", "Dsus4"]
    seconds = np.array([names.count(name) for name in ("C", "Am", "Dsus4")])
    seconds = seconds * STRIDE_FRAMES * CHORD.inputs.features.hop_s
    assert seconds == pytest.approx(LENGTHS_S, abs=0.8)


def test_common_chords_are_drawn_more_often_than_others_but_not_as_often_as_they_come(
    tmp_path: Path,
) -> None:
    windows = windows_of(write_song(tmp_path))

    of = {
        label: np.array([w.weight for w in windows if CHORDS[w.label] == label])
        for label in ("C", "Am", "Dsus4")
    }
    assert 1.2 < of["Am"].sum() / of["C"].sum() < len(of["Am"]) / len(of["C"]) - 0.5
    assert np.mean([window.weight for window in windows]) == pytest.approx(1)


def test_what_is_out_of_tune_is_moved_back_as_it_will_be_when_it_is_heard(tmp_path: Path) -> None:
    as_it_is = windows_of(write_song(tmp_path / "a"))[5].grids[0].astype(np.float32)
    higher = windows_of(write_song(tmp_path / "b", cents=45.0))[5].grids[0].astype(np.float32)

    sounding = as_it_is.max(axis=0) > 0.6
    assert np.abs(as_it_is - higher)[:, sounding].mean() < 0.05


def test_a_recipe_that_names_no_chords_over_time_learns_from_no_songs(tmp_path: Path) -> None:
    bank = make_bank(CHORD.inputs.features)
    recipe = replace(CHORD, serving=replace(CHORD.serving, timeline=None))
    with pytest.raises(TrainingError, match="leave out --songs"):
        song_windows(recipe, [write_song(tmp_path)], bank, FeatureCache(tmp_path / "cache"))


def test_songs_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    folder = write_song(tmp_path)
    (folder / "song.wav").write_bytes(b"RIFF no sound")
    with pytest.raises(TrainingError, match="None of the songs"):
        windows_of(folder)
