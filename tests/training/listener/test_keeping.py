import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from training.listener import keeping
from training.listener.keeping import in_whole_numbers, listener_of
from training.listener.lessons import LEVELS, TARGETS, Lessons, columns
from training.listener.study import as_levels
from training.networks import listener
from training.networks.musicnn import FRAMES, SPEC


def test_a_listener_tells_the_kinds_apart_that_its_lessons_were_made_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "EPOCHS", 60)
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    kind = np.arange(30) % 3
    windows = rng.integers(0, 20, (30, FRAMES, SPEC.bands))
    for i, k in enumerate(kind):  # each kind has bands of its own
        windows[i, :, 32 * k : 32 * k + 32] += LEVELS // 2
    lessons = Lessons(
        windows.astype(np.uint8),
        np.zeros((30, 1), np.float16),
        np.eye(3, dtype=np.float16)[kind],
    )

    student = listener.build(sum(TARGETS.values()))

    told_apart = listener_of(student, lessons, seed=1)

    said = np.asarray(told_apart(as_levels(lessons.windows)))
    assert said.shape == (30, listener.UNITS)
    taught = np.asarray(student(as_levels(lessons.windows[:3])))
    n_units = listener.Size().embedding
    np.testing.assert_allclose(
        said[:3, n_units : n_units + TARGETS["mn04_embedding"]],
        taught[:, columns("mn04_embedding")],
        atol=1e-4,
    )
    assert (said[:, -3:].argmax(axis=1) == kind).mean() > 0.9


def test_a_listener_in_whole_numbers_is_rounded_on_lessons(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "ROUNDED_ON", 5)
    heard = []
    monkeypatch.setattr(keeping, "round_off", lambda _, windows: heard.append(windows))
    windows = np.random.default_rng(0).integers(0, LEVELS, (9, FRAMES, SPEC.bands))
    lessons = Lessons(
        windows.astype(np.uint8), np.zeros((9, 1), np.float16), np.zeros((9, 3), np.float16)
    )

    in_whole_numbers(listener.build(4), lessons, seed=1)

    (levels,) = heard
    known = {window.tobytes() for window in as_levels(lessons.windows)}
    assert len({window.tobytes() for window in levels} & known) == 5


def test_recorded_noise_is_told_from_music_that_mixtures_alone_would_take_it_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(keeping, "EPOCHS", 60)
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)

    def windows(count: int, band: int) -> NDArray[np.uint8]:
        drawn = rng.integers(0, 20, (count, FRAMES, SPEC.bands))
        drawn[:, :, band : band + 24] += LEVELS // 2
        return drawn.astype(np.uint8)

    kinds = np.repeat(np.eye(3, dtype=np.float16), 8, axis=0)
    mixtures = np.concatenate([windows(8, 24 * kind) for kind in range(3)])
    lessons = Lessons(mixtures, np.zeros((24, 1), np.float16), kinds)
    recorded = windows(6, 72)
    recorded[:, :, :24] += LEVELS // 4  # so it is nearest to music
    student = listener.build(sum(TARGETS.values()))

    told = {
        name: listener_of(student, lessons, 1, noises)(as_levels(recorded))
        for name, noises in (("mixtures", recorded[:0]), ("both", recorded))
    }

    music = {name: (np.asarray(said)[:, -3:].argmax(axis=1) == 0) for name, said in told.items()}
    assert music["mixtures"].mean() > 0.5
    assert music["both"].mean() < 0.2
