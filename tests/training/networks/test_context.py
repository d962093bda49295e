from pathlib import Path

import numpy as np
import pytest

from service.audio.decode import clip_of
from service.inference.bundle import Bundle
from service.inference.context import Context
from service.inference.softmax import softmax
from service.inference.windows import cut_counting_windows
from tests.bundles import write_bundle
from tests.server import ROOT
from tests.training.made import make_clip, write_wav
from training.data.cache import FeatureCache
from training.data.labels import CHORDS, QUALITIES
from training.data.readers import AudioFile, LabelledClip
from training.errors import TrainingError
from training.networks.context import (
    OUTPUTS,
    SUMMED,
    ContextRecipe,
    hear_clips,
    hear_samples,
    load_context,
    write_context,
)
from training.synthesis.guitar import GuitarSound, render_chord

RATE_HZ = 11_025
RECIPE = ContextRecipe("chord", stride_frames=10)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Context:
    folder = tmp_path_factory.mktemp("context")
    write_context(RECIPE, ROOT / "models", folder)
    return load_context(folder)


def chord(root: int, quality: str, duration_s: float = 2.2) -> np.ndarray:
    rng = np.random.default_rng(1)
    return render_chord(root, quality, duration_s, RATE_HZ, rng, GuitarSound())


def test_shares_of_chord_qualities_and_their_entropy_are_heard(context: Context) -> None:
    samples = chord(2, "min", 8.0)
    listener = Bundle.load(ROOT / "models" / "chord")
    grid, range_db = listener.features(samples), context.spec.features.range_db
    counting = cut_counting_windows(grid, context.spec.windows, range_db)
    chords = softmax(listener.run(counting.windows))
    qualities = [label_quality(n) for n in range(len(CHORDS))]
    shares = np.stack([chords[:, [q == s for q in qualities]].sum(axis=1) for s in SUMMED], axis=1)
    entropy = -(chords * np.log(chords + 1e-9)).sum(axis=1, keepdims=True)
    each = np.concatenate([shares, entropy], axis=1)

    heard = context.hear(context.features(samples))

    assert heard.shape == (OUTPUTS,)
    np.testing.assert_allclose(heard, np.concatenate([each.mean(0), each.std(0)]), atol=1e-4)


def label_quality(chord_index: int) -> str:
    if chord_index == len(CHORDS) - 1:
        return SUMMED[-1]
    return QUALITIES[chord_index % len(QUALITIES)]


def test_a_waveform_is_heard_at_the_rate_of_the_model(context: Context) -> None:
    rng = np.random.default_rng(1)
    samples = render_chord(2, "min", 3.0, 2 * RATE_HZ, rng, GuitarSound())
    waveform = clip_of(samples, 2 * RATE_HZ, [RATE_HZ]).waveforms[RATE_HZ]

    heard = hear_samples(context, samples, 2 * RATE_HZ)

    np.testing.assert_array_equal(heard, context.hear(context.features(waveform)))


@pytest.mark.parametrize("quality", ["maj", "min"])
@pytest.mark.parametrize("root", [0, 5, 10])
def test_major_and_minor_are_heard_in_any_key(context: Context, quality: str, root: int) -> None:
    heard = context.hear(context.features(chord(root, quality)))
    assert SUMMED[int(heard[: len(SUMMED)].argmax())] == quality


def test_clips_are_heard_by_name_and_unreadable_ones_left_out(
    context: Context, tmp_path: Path
) -> None:
    path = write_wav(tmp_path / "a.wav", chord(0, "maj"), RATE_HZ)
    clips = [LabelledClip(AudioFile(path), "happy", "made", "a"), make_clip("sad")]

    heard = hear_clips(context, clips, FeatureCache(tmp_path / "cache"))

    assert list(heard) == [str(path)]
    # The file has 16 bits a sample, the cache half precision.
    expected = context.hear(context.features(chord(0, "maj")))
    np.testing.assert_allclose(heard[str(path)], expected, atol=0.02)


def test_a_missing_model_is_named_with_the_mend(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"chord is needed .* --models"):
        write_context(RECIPE, tmp_path, tmp_path / "context")


def test_a_model_of_other_chords_cannot_listen(tmp_path: Path) -> None:
    write_bundle(tmp_path / "chord", task="chord")
    with pytest.raises(TrainingError, match=r"other chords .* train it anew"):
        write_context(RECIPE, tmp_path, tmp_path / "context")
