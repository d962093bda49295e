from pathlib import Path

import numpy as np

from service.inference.bundle import Bundle
from service.inference.context import append_context
from tests.audio import tone
from tests.bundles import GENRES, SAMPLE_RATE_HZ, band_centre_hz, write_bundle

EMBEDDING = np.arange(12, dtype=np.float32).reshape(3, 1, 4)


def test_a_context_stands_behind_the_embedding_of_every_window() -> None:
    told = append_context(EMBEDDING, np.array([7, 8], np.float32))

    assert told.shape == (3, 1, 6)
    assert told.dtype == np.float32
    np.testing.assert_array_equal(told[..., :4], EMBEDDING)
    np.testing.assert_array_equal(told[..., 4:], np.tile([7, 8], (3, 1, 1)))


def test_windows_of_several_clips_get_the_context_of_theirs() -> None:
    contexts = np.array([[1], [2], [3]], np.float32)

    told = append_context(EMBEDDING, contexts[:, np.newaxis])

    np.testing.assert_array_equal(told[:, 0, 4], [1, 2, 3])


def test_no_context_leaves_embeddings_as_they_are() -> None:
    np.testing.assert_array_equal(append_context(EMBEDDING, np.zeros(0, np.float32)), EMBEDDING)


def test_silence_around_a_clip_does_not_change_what_the_context_hears(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "emotion", embedding_gain=0.5, context_rate_hz=SAMPLE_RATE_HZ)
    context = Bundle.load(folder).context
    assert context is not None
    sound = tone(band_centre_hz(1, len(GENRES)), 2.0, rate_hz=SAMPLE_RATE_HZ)
    silence = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    alone, amid = (
        context.hear(context.features(samples))
        for samples in (sound, np.concatenate([silence, sound, silence]))
    )
    np.testing.assert_allclose(amid, alone, atol=0.05)
