from pathlib import Path

import numpy as np
import pytest

from training.listener.loudness import loudness_lufs
from training.listener.mixing import (
    LOUDNESS_SPREAD_DB,
    PIECE_SAMPLES,
    Mixer,
)
from training.listener.recordings import MUSIC, RATE_HZ, SPEECH, Shelf, Sound
from training.listener.wear import Wear
from training.networks.listener import KINDS, LOUDNESS_LUFS


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    rng = np.random.default_rng(0)
    t = np.arange(RATE_HZ * 12) / RATE_HZ
    tone = (0.1 * np.sin(2 * np.pi * 440 * t)).astype(np.float32)
    hiss = (0.1 * rng.standard_normal(RATE_HZ * 4)).astype(np.float32)
    sounds = [
        Sound("tone", MUSIC, "set", "a", lambda: tone),
        Sound("hiss", SPEECH, "set", "b", lambda: hiss),
    ]
    folder: Path = tmp_path_factory.mktemp("shelf")
    return Shelf.fill(folder, sounds)


def test_every_piece_is_ten_seconds_at_nearly_one_loudness(shelf: Shelf) -> None:
    mixer, rng = Mixer(shelf, shelf.recordings), np.random.default_rng(1)

    for _ in range(12):
        piece = mixer.draw(rng)
        assert piece.samples.shape == (PIECE_SAMPLES,)
        loudness = loudness_lufs(piece.samples, RATE_HZ)
        assert loudness is not None
        assert abs(loudness - LOUDNESS_LUFS) < LOUDNESS_SPREAD_DB + 0.1
        assert abs(piece.samples.mean()) < 1e-3


def test_a_piece_says_what_it_is_made_of(shelf: Shelf) -> None:
    mixer, rng = Mixer(shelf, shelf.recordings), np.random.default_rng(2)

    levels = np.array([mixer.draw(rng).levels for _ in range(24)])

    np.testing.assert_allclose(levels.sum(axis=1), 1, atol=1e-5)
    mean = dict(zip(KINDS, levels.mean(axis=0), strict=True))
    assert mean["music"] > 0.6
    assert np.any((levels > 0.05).sum(axis=1) == 2)
    assert np.any((levels == 1).any(axis=1))


def test_the_same_seed_mixes_the_same_piece(shelf: Shelf) -> None:
    mixer = Mixer(shelf, shelf.recordings)

    first = mixer.draw(np.random.default_rng(3))
    again = mixer.draw(np.random.default_rng(3))

    np.testing.assert_array_equal(first.samples, again.samples)


def test_only_the_chosen_recordings_are_heard(shelf: Shelf) -> None:
    mixer, rng = Mixer(shelf, [shelf.recordings[0]]), np.random.default_rng(4)

    levels = np.array([mixer.draw(rng).levels for _ in range(12)])

    assert levels[:, KINDS.index(SPEECH)].max() == 0


def test_worn_pieces_are_other_sounds_of_the_same_loudness(shelf: Shelf) -> None:
    """The first draws are the same, so that the mixture is."""
    new, worn = (
        Mixer(shelf, [shelf.recordings[0]], wear).draw(np.random.default_rng(2))
        for wear in (None, Wear(codecs=1, rooms=1))
    )

    assert worn.samples.shape == new.samples.shape
    assert np.abs(worn.samples - new.samples).max() > 0.01
    loudness = loudness_lufs(worn.samples, RATE_HZ)
    assert loudness is not None
    assert abs(loudness - LOUDNESS_LUFS) < LOUDNESS_SPREAD_DB + 0.1
