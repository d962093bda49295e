"""Learn to hear songs: fit the second network, count sequences, and put both into a bundle."""

import json
import logging
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tqdm import tqdm

from service.inference.bundle import CARD_FILE, SONGS_FILE, Bundle, file_sha256
from service.inference.songs import SongSpec
from training.data.labels import CHORDS, NO_CHORD, QUALITIES, ROOTS
from training.data.readers.pop909 import read_pop909
from training.errors import TrainingError
from training.evaluation.evaluate import load_bundle
from training.progressions.sequences import Sequences, learn_sequences
from training.progressions.song_folder import read_song_folder
from training.progressions.song_lessons import Lessons, make_lessons
from training.results.exchange import put_in_place

logger = logging.getLogger(__name__)

OFFSETS = (-2, -1, 0, 1, 2)
HIDDEN = 32
# Neighbouring windows are a frame apart and nearly the same: a third of them counts as all.
EPOCHS, EPOCH_SHARE, BATCH = 30, 1 / 3, 256
PEAK_LEARNING_RATE, DECAY = 2e-3, 1e-4
NOISE = 0.05
# Chosen on songs that were learned from, the odd ones by what the even ones gave.
SPEC = SongSpec(change_probability=0.8, key_weight=0.3)

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class StudyJob:
    """What to learn from.

    Attributes
    ----------
    pop909
        The songs whose sequences are counted; held-out ones are left out.
    songs
        Folders of rendered songs; held-out ones are refused.
    bundle
        Whose windows are made sense of; it gets the numbers.
    version
        Of the bundle that comes out.
    seed
        Of everything drawn.
    """

    pop909: Path
    songs: Sequence[Path]
    bundle: Path
    version: str
    seed: int


def study(job: StudyJob) -> None:
    """Learn, and put what was learned into the bundle.

    Raises
    ------
    TrainingError
        A song for measuring alone is among those to learn from, or one cannot be read.
    """
    of_pop909 = read_pop909(job.pop909)
    songs = [song for folder in job.songs for song in read_song_folder(folder)]
    held_out = {song.folder.name for song in of_pop909 if song.held_out}
    flattering = sorted({song.group for song in songs} & held_out)
    if flattering:
        raise TrainingError(f"These songs are for measuring alone: {', '.join(flattering)}.")
    sequences = learn_sequences([song for song in of_pop909 if not song.held_out])
    lessons = make_lessons(songs, load_bundle(job.bundle), OFFSETS)
    logger.info("%d windows of %d songs", len(lessons.right), len(songs))
    arrays = {**_fit(lessons, job.seed), **_counted(sequences)}
    put_songs(job.bundle, arrays, SPEC, job.version)


def seen_from_roots() -> NDArray[np.int64]:
    """Return the labels as each root sees them, shape [roots, labels], those without one last."""
    n = len(QUALITIES)
    rows = [
        [(root + up) % len(ROOTS) * n + quality for up in range(len(ROOTS)) for quality in range(n)]
        for root in range(len(ROOTS))
    ]
    return np.array([[*row, CHORDS.index(NO_CHORD)] for row in rows])


def put_songs(folder: Path, arrays: Arrays, spec: SongSpec, version: str) -> None:
    """Give a bundle the numbers for songs, and prove it before it takes the place of the old."""
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".songs-") as name:
        draft = Path(name) / folder.name
        shutil.copytree(folder, draft)
        np.savez_compressed(draft / SONGS_FILE, allow_pickle=False, **arrays)
        card = json.loads((draft / CARD_FILE).read_text("utf-8"))
        card["version"] = version
        card["timeline"]["songs"] = spec.model_dump()
        card["sha256"][SONGS_FILE] = file_sha256(draft / SONGS_FILE)
        (draft / CARD_FILE).write_text(
            json.dumps(card, indent=1, ensure_ascii=False) + "\n", "utf-8"
        )
        Bundle.load(draft)
        put_in_place(draft, folder)


def _counted(sequences: Sequences) -> Arrays:
    return {
        "common": sequences.common.astype(np.float32),
        "change": sequences.change.astype(np.float32),
        "modes": sequences.modes.astype(np.float32),
    }


def _fit(lessons: Lessons, seed: int) -> Arrays:
    """Fit the network of :class:`service.inference.songs.SongSense`."""
    rng = np.random.default_rng(seed)
    seen_from = seen_from_roots()
    n_seen = len(OFFSETS) * seen_from.shape[1]
    start = {
        "hidden": rng.standard_normal((n_seen, HIDDEN)) * np.sqrt(2 / n_seen),
        "hidden_bias": np.zeros(HIDDEN),
        "output": rng.standard_normal((HIDDEN, len(QUALITIES))) * 0.1,
        "output_bias": np.zeros(len(QUALITIES)),
        "rootless": np.zeros(len(OFFSETS)),
        "rootless_bias": np.zeros(1),
        "own": np.full(1, 2.0),
    }
    weights = {name: tf.Variable(w.astype(np.float32)) for name, w in start.items()}
    variables = list(weights.values())
    optimizer = tf.keras.optimizers.Adam(PEAK_LEARNING_RATE)

    def step(around: tf.Tensor, right: tf.Tensor) -> None:
        with tf.GradientTape() as tape:
            said = tf.nn.log_softmax(_say(weights, around, seen_from))
            hit = tf.reduce_logsumexp(tf.where(right, said, -1e9), axis=1)
            size = tf.nn.l2_loss(weights["hidden"]) + tf.nn.l2_loss(weights["output"])
            loss = 2 * DECAY * size - tf.reduce_mean(hit)
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))

    quick_step = tf.function(step)
    n_steps = max(1, int(EPOCHS * EPOCH_SHARE * len(lessons.right) / BATCH))
    for n in tqdm(range(n_steps), desc="songs", unit="step"):
        optimizer.learning_rate = PEAK_LEARNING_RATE * (1 + np.cos(np.pi * n / n_steps)) / 2
        drawn = rng.integers(len(lessons.right), size=BATCH)
        noise = rng.normal(0, NOISE, lessons.around[drawn].shape).astype(np.float32)
        quick_step(tf.constant(lessons.around[drawn] + noise), tf.constant(lessons.right[drawn]))
    learned = {name: w.numpy() for name, w in weights.items()}
    return {**learned, "seen_from": seen_from, "offsets": np.array(OFFSETS)}


def _say(
    weights: dict[str, tf.Variable], around: tf.Tensor, seen_from: NDArray[np.int64]
) -> tf.Tensor:
    """Return logits as the service computes them, shape [windows, labels]."""
    n_roots, n_labels = seen_from.shape
    seen = tf.reshape(
        tf.gather(around, seen_from.ravel(), axis=2), (-1, len(OFFSETS), n_roots, n_labels)
    )
    seen = tf.reshape(tf.transpose(seen, (0, 2, 1, 3)), (-1, n_roots, len(OFFSETS) * n_labels))
    hidden = tf.nn.relu(seen @ weights["hidden"] + weights["hidden_bias"])
    rooted = tf.reshape(hidden @ weights["output"] + weights["output_bias"], (-1, n_labels - 1))
    rootless = tf.linalg.matvec(around[:, :, -1], weights["rootless"]) + weights["rootless_bias"]
    said = tf.concat([rooted, rootless[:, tf.newaxis]], axis=1)
    return said + weights["own"] * around[:, OFFSETS.index(0)]
