import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from training.errors import TrainingError
from training.listener import study as study_module
from training.listener.lessons import LEVELS, TARGETS, Lessons
from training.listener.study import Plan, Timetable, ask, finished, study
from training.networks.listener import Size, build
from training.networks.musicnn import FRAMES, SPEC

TINY = Size(stem=16, blocks=(), joined=16, embedding=16)


def lessons(n: int, seed: int) -> Lessons:
    """Return windows of one level each, of which the teachers speak in straight lines."""
    rng = np.random.default_rng(seed)
    level = rng.uniform(0.1, 0.9, n)
    noise = rng.uniform(-0.1, 0.1, (n, FRAMES, SPEC.bands))
    windows = np.round((level[:, None, None] + noise) * LEVELS).astype(np.uint8)
    slopes = np.random.default_rng(7).standard_normal(sum(TARGETS.values()))
    targets = (level[:, None] * slopes + 3).astype(np.float16)
    return Lessons(windows, targets, np.ones((n, 3), np.float16))


EXAM = lessons(40, seed=1)


class Interrupted:
    """Examines like ``ask``, but for one exam, in which someone presses Ctrl-C."""

    def __init__(self, at: int) -> None:
        self.exams = 0
        self._at = at

    def __call__(self, *asked: Any) -> Any:
        self.exams += 1
        if self.exams == self._at:
            raise KeyboardInterrupt
        return ask(*asked)


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    """A student that is finished, though it was interrupted, and the folder of its study."""
    folder = tmp_path_factory.mktemp("studied")
    plan = Plan(rounds=3, steps_each=15, batch=16, peak_rate=1e-2, averaging=0.8)
    asking = Interrupted(at=2)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(study_module, "ask", asking)
        with pytest.raises(KeyboardInterrupt):
            study(lessons(120, seed=0), EXAM, plan, folder, TINY)
        assert len(json.loads((folder / "exams.json").read_text())) == 1

        student = study(lessons(120, seed=0), EXAM, plan, folder, TINY)

    assert asking.exams == 1 + plan.rounds  # no round was made again but the interrupted one
    return student, folder


def test_a_student_learns_what_the_teachers_say_in_their_own_scales(
    studied: tuple[keras.Model, Path],
) -> None:
    student, folder = studied
    exams = json.loads((folder / "exams.json").read_text())
    assert exams[-1]["mn04_embedding"] > 0.5
    error = np.abs(ask(student, EXAM.windows) - EXAM.targets).mean()
    assert error < 0.5 * np.abs(EXAM.targets - EXAM.targets.mean(axis=0)).mean()
    kept = keras.models.load_model(folder / "student.keras", compile=False)
    np.testing.assert_allclose(ask(kept, EXAM.windows), ask(student, EXAM.windows), atol=1e-5)


def test_an_interrupted_study_goes_on_where_it_was(studied: tuple[keras.Model, Path]) -> None:
    _, folder = studied
    exams = json.loads((folder / "exams.json").read_text())
    assert [row["round"] for row in exams] == [1, 2, 3]
    assert exams[0]["loss"] > exams[1]["loss"] > exams[2]["loss"]
    assert not (folder / "state.npz").exists()


def test_a_finished_student_goes_on_from_what_it_knows(
    studied: tuple[keras.Model, Path], tmp_path: Path
) -> None:
    first, _ = studied
    still = Plan(rounds=1, steps_each=1, batch=16, peak_rate=1e-9)

    second = study(lessons(80, seed=3), EXAM, still, tmp_path, TINY, first)

    # Other lessons have other scales and statistics; what is said is much the same.
    first_said, second_said = (ask(student, EXAM.windows) for student in (first, second))
    spread = np.abs(first_said - first_said.mean(axis=0)).mean()
    assert np.abs(second_said - first_said).mean() < 0.4 * spread


def test_a_student_of_another_size_cannot_go_on(tmp_path: Path) -> None:
    first = build(sum(TARGETS.values()), TINY)
    other = Size(stem=16, blocks=((16, 2),), joined=16, embedding=16)

    with pytest.raises(TrainingError, match="of another size"):
        study(lessons(16, seed=0), EXAM, Plan(rounds=1, steps_each=1), tmp_path, other, first)


def test_a_student_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="after the first round"):
        finished(tmp_path / "student.keras")


def test_each_lesson_comes_once_before_any_comes_again() -> None:
    plan = Plan(rounds=2, steps_each=3, batch=4)
    numbers = np.arange(12, dtype=np.float16)[:, None]
    windows = np.zeros((12, 2, 2), np.uint8)
    timetable = Timetable(windows, numbers, plan, start=0)

    first = np.concatenate([timetable[step][1] for step in range(3)])
    timetable.on_epoch_end()
    second = np.concatenate([timetable[step][1] for step in range(3)])

    assert sorted(first[:, 0]) == sorted(second[:, 0]) == list(range(12))
    assert first[:, 0].tolist() != second[:, 0].tolist()
