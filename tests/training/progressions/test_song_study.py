import json
import shutil
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from service.inference.bundle import Bundle
from service.inference.bundle_files import SONGS_FILE
from service.inference.songs import LEAST_PROBABILITY, LOG_SCALE, SongSense
from tests.training.made import GUITAR_RATE_HZ, strum, write_wav
from tests.training.songs909 import write_song
from tests.training.synthesis.test_soundfont import FONT, needs_fluidsynth
from training.data.labels import CHORDS, QUALITIES
from training.errors import TrainingError
from training.progressions import song_study
from training.progressions.progression import Progression
from training.progressions.song_lessons import Lessons
from training.progressions.song_study import (
    BATCH,
    MADE_UP,
    OFFSETS,
    SAY,
    SPEC,
    StudyJob,
    seen_from_roots,
    sharing_the_say,
    study,
)
from training.progressions.songs import GUITARS, Song

SHIPPED = Path(__file__).parents[3] / "models" / "chord"


def make_job(tmp_path: Path, group: str = "007") -> StudyJob:
    shutil.copytree(SHIPPED, tmp_path / "models" / "chord")
    songs = tmp_path / "songs"
    chords = ("Am", "F", "C", "G")
    samples = np.concatenate([strum(chord, seed=n) for n, chord in enumerate(chords)])
    length_s = len(samples) / GUITAR_RATE_HZ / len(chords)
    write_wav(songs / f"{group}.wav", samples, GUITAR_RATE_HZ)
    lines = [
        f"{n * length_s} {(n + 1) * length_s} {chord}"
        for n, chord in enumerate(("A:min", "F", "C", "G"))
    ]
    (songs / f"{group}.lab").write_text("\n".join(lines) + "\n", "utf-8")
    pop909 = write_song(tmp_path / "pop909")
    write_song(pop909, "010")
    return StudyJob(pop909, [songs], [FONT], tmp_path / "models" / "chord", "9.0.0", 1)


@needs_fluidsynth
def test_what_is_learned_is_put_into_the_bundle_and_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_study, "EPOCHS", 2)
    monkeypatch.setattr(song_study, "MADE_UP", 1)
    job = make_job(tmp_path)
    study(job)
    bundle = Bundle.load(job.bundle)
    assert bundle.songs is not None
    assert bundle.card.version == "9.0.0"
    old = json.loads((SHIPPED / "card.json").read_text("utf-8"))
    new = json.loads((job.bundle / "card.json").read_text("utf-8"))
    assert new["timeline"]["songs"] == SPEC.model_dump()
    assert new["evaluation"] == old["evaluation"]
    assert set(new["sha256"]) == {*old["sha256"], SONGS_FILE}
    assert sorted(p.name for p in job.bundle.parent.iterdir()) == ["chord"]


def test_songs_for_measuring_alone_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="measuring alone: 010"):
        study(make_job(tmp_path, group="010"))


def test_without_a_soundfont_nothing_is_learned(tmp_path: Path) -> None:
    job = replace(make_job(tmp_path), soundfonts=[tmp_path / "missing.sf2"])
    with pytest.raises(TrainingError, match=r"fluidsynth|SoundFont"):
        study(job)


def test_made_up_lessons_vary_guitar_font_and_chords(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[Song, Path]] = []

    def render(song: Song, soundfont: Path, sample_rate_hz: int) -> Progression:
        drawn.append((song, soundfont))
        samples = np.zeros(sample_rate_hz, np.float32)
        edges_s = np.array([0.0, 1.0])
        return Progression("made up", song.guitar, samples, sample_rate_hz, edges_s, ["C"])

    monkeypatch.setattr(song_study, "render_song", render)
    job = replace(make_job(tmp_path), soundfonts=[Path("a.sf2"), Path("b.sf2")])
    lessons = list(song_study._made_up(job, Bundle.load(job.bundle)))

    assert len(lessons) == len(drawn) == MADE_UP
    assert {(song.guitar, font.stem) for song, font in drawn} == set(product(GUITARS, "ab"))
    assert len({(tuple(song.chords), song.tempo_bpm) for song, _ in drawn}) == MADE_UP


def test_a_batch_holds_as_much_of_each_part() -> None:
    def part(n_windows: int, label: int) -> Lessons:
        right = np.zeros((n_windows, len(CHORDS)), bool)
        right[:, label] = True
        return Lessons(np.zeros((n_windows, len(OFFSETS), len(CHORDS)), np.float32), right)

    around, right = song_study._draw([part(1000, 0), part(3, 5)], np.random.default_rng(0))
    assert around.shape == (BATCH, len(OFFSETS), len(CHORDS))
    assert right.numpy()[:, 0].sum() == right.numpy()[:, 5].sum() == BATCH / 2


def test_both_networks_have_their_say() -> None:
    rng = np.random.default_rng(3)
    n = len(CHORDS)
    learned = {
        "hidden": rng.normal(0, 0.3, (len(OFFSETS) * n, 4)).astype(np.float32),
        "hidden_bias": np.zeros(4, np.float32),
        "output": rng.normal(0, 0.3, (4, len(QUALITIES))).astype(np.float32),
        "output_bias": rng.normal(size=len(QUALITIES)).astype(np.float32),
        "rootless": rng.normal(size=5).astype(np.float32),
        "rootless_bias": rng.normal(size=1).astype(np.float32),
        "own": np.full(1, 2.0, np.float32),
    }
    rest = {"common": np.ones((1, n)), "change": np.ones((1, n, n)), "modes": np.ones(1),
            "seen_from": seen_from_roots(), "offsets": np.array(OFFSETS)}  # fmt: skip
    first = rng.dirichlet(np.ones(n), size=9)
    second = SongSense(learned | rest, SPEC).heard(first)
    both = first ** (1 - SAY) * second**SAY
    wanted = both / both.sum(axis=1, keepdims=True)
    assert SongSense(sharing_the_say(learned) | rest, SPEC).heard(first) == pytest.approx(
        wanted, abs=1e-4
    )


def test_the_service_hears_as_the_network_that_was_trained() -> None:
    rng = np.random.default_rng(0)
    seen_from = seen_from_roots()
    n = len(CHORDS)
    shapes = {
        "hidden": (len(OFFSETS) * n, 4),
        "hidden_bias": (4,),
        "output": (4, len(QUALITIES)),
        "output_bias": (len(QUALITIES),),
        "rootless": (5,),
        "rootless_bias": (1,),
        "own": (1,),
    }
    weights = {w: rng.normal(0, 0.3, shape).astype(np.float32) for w, shape in shapes.items()}
    counted = {"common": np.ones((1, n)), "change": np.ones((1, n, n)), "modes": np.ones(1)}
    sense = SongSense(
        {**weights, **counted, "seen_from": seen_from, "offsets": np.array(OFFSETS)}, SPEC
    )
    probabilities = rng.dirichlet(np.ones(n), size=9)

    logs = np.log(np.maximum(probabilities, LEAST_PROBABILITY)) / LOG_SCALE + 1
    around = logs[np.clip(np.arange(9)[:, None] + np.array(OFFSETS), 0, 8)].astype(np.float32)
    tensors = {name: tf.Variable(w) for name, w in weights.items()}
    trained = tf.nn.softmax(song_study._say(tensors, tf.constant(around), seen_from)).numpy()

    assert sense.heard(probabilities) == pytest.approx(trained, abs=1e-5)
