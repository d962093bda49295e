import numpy as np
import pytest

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
    rng = np.random.default_rng(0)
    kind = np.arange(45) % 3
    windows = rng.integers(0, 20, (45, FRAMES, SPEC.bands))
    for i, k in enumerate(kind):  # each kind has bands of its own
        windows[i, :, 32 * k : 32 * k + 32] += LEVELS // 2
    lessons = Lessons(
        windows.astype(np.uint8),
        np.zeros((45, 1), np.float16),
        np.eye(3, dtype=np.float16)[kind],
    )

    student = listener.build(sum(TARGETS.values()))

    told_apart = listener_of(student, lessons, seed=1)

    said = np.asarray(told_apart(as_levels(lessons.windows)))
    assert said.shape == (45, listener.UNITS)
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
