from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference.bass import ABOVE, OF_LOWER_OCTAVE, SEMITONES, TONES, tones_of
from service.inference.bundle import Bundle
from service.inference.windows import Segment
from tests.bundles import write_bundle
from tests.training.made import GUITAR_RATE_HZ, strum, write_wav
from training.data.annotation import Annotation
from training.errors import TrainingError
from training.progressions import bass_study
from training.progressions.bass_study import INVERTED, NEVER, Lessons, learn, make_lessons, study

SHIPPED = Path(__file__).parents[3] / "models" / "chord"
WEIGHTS = len(ABOVE) + len(OF_LOWER_OCTAVE)


def write_song(folder: Path, *truth: str) -> Path:
    """Write a strummed song, whatever is said of its bass."""
    chords = ("Am", "F", "C", "G")
    samples = np.concatenate([strum(chord, seed=n) for n, chord in enumerate(chords)])
    length_s = len(samples) / GUITAR_RATE_HZ / len(chords)
    write_wav(folder / "song.wav", samples, GUITAR_RATE_HZ)
    lines = [f"{n * length_s} {(n + 1) * length_s} {label}" for n, label in enumerate(truth)]
    (folder / "song.lab").write_text("\n".join(lines) + "\n", "utf-8")
    return folder


def test_songs_teach_the_numbers_that_the_service_holds(tmp_path: Path) -> None:
    learned = study([write_song(tmp_path, "A:min", "F", "C/3", "G")], SHIPPED)
    assert [len(weights) for weights in learned.weights] == [WEIGHTS, WEIGHTS]
    assert set(learned.degrees) == set(SEMITONES)
    assert learned.degrees["1"] == 0

    held: dict[str, object] = {}
    exec(learned.as_code(), held)  # noqa: S102  # it is pasted into a module
    assert held["_WEIGHTS"] == learned.weights
    assert held["_DEGREES"] == learned.degrees


def test_songs_without_a_bass_teach_nothing(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="annotated with a bass"):
        study([write_song(tmp_path, "A:min", "F", "C", "G")], SHIPPED)


def test_a_bundle_that_names_no_chords_cannot_hear_their_bass(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "genre"))
    with pytest.raises(TrainingError, match="names chords over time"):
        make_lessons([], bundle)


def test_each_segment_of_a_right_root_is_a_lesson() -> None:
    bundle = Bundle.load(SHIPPED)
    samples = np.concatenate([strum("C"), strum("Am", seed=1)])
    length_s = len(samples) / GUITAR_RATE_HZ / 2
    rate_hz = bundle.card.features.sample_rate_hz
    clip = clip_of(samples, GUITAR_RATE_HZ, [rate_hz])
    times = np.array([[0, length_s], [length_s, 2 * length_s]])

    lessons = make_lessons([(clip, Annotation(times, ["C:maj/5", "D:min"]))], bundle)

    assert lessons.right.tolist() == [TONES["maj"].index("5")]
    assert lessons.seconds == pytest.approx([length_s], abs=0.3)
    assert lessons.heard.shape == (1, 4, 2 * WEIGHTS + len(INVERTED))
    assert lessons.missing.tolist() == [[0, 0, 0, NEVER]]


@pytest.mark.parametrize(
    ("label", "right"),
    [("C:maj/5", 2), ("C:min7", 0), ("C:maj/b7", None), ("E:min", None), ("N", None)],
)
def test_what_is_right_is_a_note_of_the_chord(label: str, right: int | None) -> None:
    truth = Annotation(np.array([[0, 1.0], [1, 2]]), [label, "G:maj"])
    tones = tones_of("C:maj")
    assert tones is not None
    assert bass_study._true_bass(Segment(0.0, 1.5), tones, truth) == right
    assert bass_study._true_bass(Segment(0.0, 1.9), tones, truth) is None


def test_what_is_heard_of_a_bass_outweighs_what_is_not() -> None:
    rng = np.random.default_rng(0)
    heard = rng.normal(size=(200, 4, 2 * WEIGHTS + len(INVERTED)))
    missing = np.zeros((200, 4))
    missing[:100, 3] = NEVER
    right = (heard[:, :, 0] + missing).argmax(axis=1)

    learned = learn(Lessons(heard, missing, right, np.ones(200)))

    others = [*learned.weights[0][1:], *learned.weights[1], *learned.degrees.values()]
    assert learned.weights[0][0] > 4 * max(map(abs, others))
