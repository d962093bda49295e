"""The shipped bundles: whole, small, honest about themselves, and right on simple cases."""

import re

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference.bundle import Bundle
from service.inference.classification import Classification, classify
from service.inference.features import Grid
from service.inference.grids import needed_rates_hz
from service.streaming.protocol import StreamStart
from service.streaming.session import Session
from tests.server import ROOT
from training.data.labels import INTERVALS, TASKS, chord_label
from training.recipes import RECIPES
from training.synthesis.guitar import GuitarSound, render_chord
from training.synthesis.sounds import render_no_music

MODELS = ROOT / "models"
LARGEST_BUNDLE_BYTES = 6_000_000
RATE_HZ = 22_050


SHIPPED = {r.serving.bundle: r for r in RECIPES.values() if r.serving.bundle is not None}


@pytest.fixture(scope="module", params=SHIPPED)
def folder(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def bundle(folder: str) -> Bundle:
    return Bundle.load(MODELS / folder)


def classify_samples(bundle: Bundle, samples: np.ndarray) -> Classification:
    clip = clip_of(samples.astype(np.float32), RATE_HZ, needed_rates_hz([bundle]))
    return classify(clip, {"it": bundle})["it"]


def answer(bundle: Bundle, samples: np.ndarray) -> str:
    result = classify_samples(bundle, samples)
    return bundle.card.labels[int(result.probabilities.argmax())]


def test_every_task_has_a_bundle() -> None:
    assert set(TASKS) <= set(SHIPPED)


def test_bundle_is_what_the_recipe_makes(folder: str, bundle: Bundle) -> None:
    recipe = SHIPPED[folder]
    assert bundle.card.task == recipe.task
    assert bundle.card.version == recipe.version
    assert bundle.card.labels == list(recipe.labels)
    assert bundle.card.features == recipe.inputs.features
    assert bundle.card.windows == recipe.inputs.windows
    assert bundle.card.timeline == recipe.serving.timeline


def test_bundle_is_small(folder: str) -> None:
    files = [path for path in (MODELS / folder).iterdir() if path.is_file()]
    assert sum(file.stat().st_size for file in files) < LARGEST_BUNDLE_BYTES


def test_card_states_figures_with_intervals_and_limits(bundle: Bundle) -> None:
    card = bundle.card
    assert card.not_for
    assert card.evaluation
    for evaluation in card.evaluation:
        for figure in (evaluation.accuracy, evaluation.balanced_accuracy, evaluation.ece):
            assert 0 <= figure.low <= figure.high <= 1
        assert sum(map(sum, evaluation.confusion_matrix)) == evaluation.n


def test_card_names_no_path(folder: str) -> None:
    text = (MODELS / folder / "card.json").read_text("utf-8")
    assert not re.search(r'[" ]/[a-z]+/', text)


def test_chords_of_a_synthetic_guitar_are_named() -> None:
    chord = Bundle.load(MODELS / "chord")
    rng = np.random.default_rng(5)
    cases = [(root, quality) for root in range(12) for quality in INTERVALS]
    named = [
        answer(chord, render_chord(root, quality, 2.0, RATE_HZ, rng, GuitarSound()))
        for root, quality in cases
    ]
    wanted = [chord_label(root, quality) for root, quality in cases]
    right = np.array([n == w for n, w in zip(named, wanted, strict=True)])
    usual = [quality in ("maj", "min", "dim", "7", "maj7", "m7") for _, quality in cases]
    assert right[usual].mean() > 0.9
    assert right.mean() > 0.85


@pytest.mark.parametrize("cents", [-40, -30, 0, 30, 40])
def test_a_synthetic_guitar_is_told_its_key_and_its_tuning(cents: float) -> None:
    rng = np.random.default_rng(7)
    sound = GuitarSound(detune_cents=cents)
    progression = [(7, "maj"), (0, "maj"), (2, "maj"), (4, "min")] * 2  # G, C, D, Em
    song = [render_chord(root, quality, 2.0, RATE_HZ, rng, sound) for root, quality in progression]

    heard = classify_samples(Bundle.load(MODELS / "chord"), np.concatenate(song))

    assert heard.key is not None
    assert heard.key.label == "G major"
    assert heard.tuning_cents == pytest.approx(cents, abs=5)
    single = classify_samples(Bundle.load(MODELS / "chord"), song[0])
    assert single.key is None
    assert single.tuning_cents == pytest.approx(cents, abs=7)


def test_what_is_out_of_tune_is_heard_as_if_it_were_in_tune() -> None:
    chord = Bundle.load(MODELS / "chord")

    def features(cents: float) -> Grid:
        sound = GuitarSound(detune_cents=cents)
        strum = render_chord(0, "maj", 2.0, RATE_HZ, np.random.default_rng(3), sound)
        rate_hz = chord.card.features.sample_rate_hz
        return chord.features(
            clip_of(strum.astype(np.float32), RATE_HZ, [rate_hz]).waveforms[rate_hz]
        )

    in_tune, out = features(0), features(40)
    assert chord.in_tune(in_tune) is in_tune
    moved = chord.in_tune(out)
    assert np.abs(moved - in_tune).mean() < 0.5 * np.abs(out - in_tune).mean()


@pytest.mark.parametrize("cents", [0, 40])
def test_a_stream_of_a_synthetic_guitar_is_told_its_key_and_its_tuning(cents: float) -> None:
    rng = np.random.default_rng(7)
    sound = GuitarSound(detune_cents=cents)
    progression = [(7, "maj"), (0, "maj"), (2, "maj"), (4, "min")] * 2  # G, C, D, Em
    song = [render_chord(root, quality, 2.0, RATE_HZ, rng, sound) for root, quality in progression]
    start = StreamStart(sample_rate_hz=RATE_HZ, channels=1, encoding="pcm_f32le")
    session = Session(start, {"chord": Bundle.load(MODELS / "chord")})

    for strum in song:
        session.hear(strum.astype("<f4").tobytes())
    heard = session.finish().so_far["chord"]

    assert heard.key is not None
    assert heard.key.label == "G major"
    assert heard.tuning_cents == pytest.approx(cents, abs=5)
    assert heard.shares is not None
    labels = {chord_label(root, quality) for root, quality in progression}
    named = {heard.bundle.card.labels[share.label] for share in heard.shares if share.share > 0.1}
    assert named == labels


def test_what_is_no_music_has_no_certain_genre() -> None:
    bundle = Bundle.load(MODELS / "genre")
    rng = np.random.default_rng(11)
    sounds = [render_no_music(4.0, RATE_HZ, rng) for _ in range(40)]
    flagged = np.mean([classify_samples(bundle, sound).uncertain for sound in sounds])
    assert flagged > 0.8


def test_silence_is_no_chord() -> None:
    chord = Bundle.load(MODELS / "chord")
    silence = np.zeros(2 * RATE_HZ)
    assert answer(chord, silence) == "N"
    assert classify_samples(chord, silence).tuning_cents is None
