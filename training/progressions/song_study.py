"""Learn to hear songs: fit the second network, count sequences, and put both into a bundle."""

import json
import logging
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.random import Generator
from numpy.typing import NDArray
from tqdm import tqdm

from service.audio.decode import Clip, clip_of
from service.inference.bundle import Bundle
from service.inference.bundle_files import CARD_FILE, SONGS_FILE, file_sha256
from service.inference.grids import needed_rates_hz
from service.inference.songs import LOG_SCALE, SongSpec
from training.data.annotation import Annotation
from training.data.labels import CHORDS, NO_CHORD, QUALITIES, ROOTS
from training.data.readers.pop909 import read_pop909
from training.data.song_folder import SongFile, read_song_folder
from training.errors import TrainingError
from training.evaluation.evaluate import load_bundle
from training.progressions.made_up_lessons import OF_TRIADS, WITH_SEVENTHS
from training.progressions.sequences import Sequences, learn_sequences
from training.progressions.song_lessons import Lessons, make_lessons
from training.progressions.songs import GUITARS, render_song, write_song
from training.results.exchange import put_in_place
from training.synthesis.soundfont import require_fluidsynth

logger = logging.getLogger(__name__)

OFFSETS = (-2, -1, 0, 1, 2)
HIDDEN = 32
# Neighbouring windows are a frame apart and nearly the same: a third of them counts as all.
EPOCHS, EPOCH_SHARE, BATCH = 30, 1 / 3, 256
MADE_UP = 64
PEAK_LEARNING_RATE, DECAY = 2e-3, 1e-4
NOISE = 0.05
# Chosen on songs that were learned from, each half by what the other gave. The second network has
# half the say: alone, it takes too many sevenths for passing notes.
SAY = 0.5
SPEC = SongSpec(change_probability=0.7, key_weight=0.3)

Arrays = dict[str, NDArray[np.generic]]


@dataclass(frozen=True)
class StudyJob:
    """What to learn from.

    Attributes
    ----------
    pop909
        The songs whose sequences are counted; held-out ones are left out.
    songs
        Folders of rendered songs; held-out ones are refused. Each counts as much as the next.
    soundfonts
        What plays the made-up songs, in turn; they count as much as a folder.
    bundle
        Whose windows are made sense of; it gets the numbers.
    version
        Of the bundle that comes out.
    seed
        Of everything drawn.
    """

    pop909: Path
    songs: Sequence[Path]
    soundfonts: Sequence[Path]
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
    folders = [read_song_folder(folder) for folder in job.songs]
    held_out = {song.folder.name for song in of_pop909 if song.held_out}
    flattering = sorted({song.group for folder in folders for song in folder} & held_out)
    if flattering:
        raise TrainingError(f"These songs are for measuring alone: {', '.join(flattering)}.")
    for soundfont in job.soundfonts:
        require_fluidsynth(soundfont)
    sequences = learn_sequences([s for s in of_pop909 if not s.held_out], WITH_SEVENTHS)
    bundle = load_bundle(job.bundle)
    lessons = [
        make_lessons(songs, bundle, OFFSETS)
        for songs in (*(_recorded(folder, bundle) for folder in folders), _made_up(job, bundle))
    ]
    logger.info("windows to learn from: %s", ", ".join(str(len(part.right)) for part in lessons))
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


def _recorded(songs: Sequence[SongFile], bundle: Bundle) -> Iterator[tuple[Clip, Annotation]]:
    for song in songs:
        yield song.heard(needed_rates_hz([bundle])), song.chords


def _made_up(job: StudyJob, bundle: Bundle) -> Iterator[tuple[Clip, Annotation]]:
    """Render songs from sequences that no exam has."""
    rates_hz = needed_rates_hz([bundle])
    rng = np.random.default_rng(job.seed)
    guitars = list(GUITARS)
    for n in range(MADE_UP):
        written = write_song(rng, guitars[n % len(guitars)], WITH_SEVENTHS + OF_TRIADS)
        song = render_song(written, job.soundfonts[n % len(job.soundfonts)], rates_hz[0])
        yield clip_of(song.samples, song.sample_rate_hz, rates_hz), song.annotation


def _counted(sequences: Sequences) -> Arrays:
    return {
        "common": sequences.common.astype(np.float32),
        "change": sequences.change.astype(np.float32),
        "modes": sequences.modes.astype(np.float32),
    }


def _fit(lessons: Sequence[Lessons], seed: int) -> Arrays:
    """Fit the network of :class:`service.inference.songs.SongSense` to all lessons alike."""
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
    n_windows = sum(len(part.right) for part in lessons)
    n_steps = max(1, int(EPOCHS * EPOCH_SHARE * n_windows / BATCH))
    for n in tqdm(range(n_steps), desc="songs", unit="step"):
        optimizer.learning_rate = PEAK_LEARNING_RATE * (1 + np.cos(np.pi * n / n_steps)) / 2
        quick_step(*_draw(lessons, rng))
    learned = {name: w.numpy() for name, w in weights.items()}
    return {**sharing_the_say(learned), "seen_from": seen_from, "offsets": np.array(OFFSETS)}


def sharing_the_say(learned: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return weights that say ``SAY`` of what these say, and of the first network the rest.

    Both are logarithms, so that the more certain network has the last word.
    """
    said = ("output", "output_bias", "rootless", "rootless_bias", "own")
    shared = {name: w * np.float32(SAY) if name in said else w for name, w in learned.items()}
    # What the network hears of the window itself is the first one's logarithms by LOG_SCALE.
    shared["own"] = shared["own"] + np.float32((1 - SAY) * LOG_SCALE)
    return shared


def _draw(lessons: Sequence[Lessons], rng: Generator) -> tuple[tf.Tensor, tf.Tensor]:
    """Return a batch that holds as much of each part."""
    around, right = [], []
    for part in lessons:
        drawn = rng.integers(len(part.right), size=-(-BATCH // len(lessons)))
        around.append(part.around[drawn])
        right.append(part.right[drawn])
    heard = np.concatenate(around)
    noise = rng.normal(0, NOISE, heard.shape).astype(np.float32)
    return tf.constant(heard + noise), tf.constant(np.concatenate(right))


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
