import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from service.inference.bundle import SONGS_FILE, Bundle
from service.inference.songs import LEAST_PROBABILITY, LOG_SCALE, SongSense
from tests.training.made import GUITAR_RATE_HZ, strum, write_wav
from tests.training.songs909 import write_song
from training.data.labels import CHORDS
from training.errors import TrainingError
from training.progressions import song_study
from training.progressions.song_study import OFFSETS, SPEC, StudyJob, seen_from_roots, study

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
    return StudyJob(pop909, [songs], tmp_path / "models" / "chord", "9.0.0", 1)


def test_what_is_learned_is_put_into_the_bundle_and_leaves_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(song_study, "EPOCHS", 2)
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


def test_the_service_hears_as_the_network_that_was_trained() -> None:
    rng = np.random.default_rng(0)
    seen_from = seen_from_roots()
    n = len(CHORDS)
    shapes = {
        "hidden": (len(OFFSETS) * n, 4),
        "hidden_bias": (4,),
        "output": (4, 6),
        "output_bias": (6,),
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
