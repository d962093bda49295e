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

TINY = Size(stem=16, blocks=((16, 2),), joined=16, embedding=16)


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


@pytest.fixture(scope="module")
def studied(tmp_path_factory: pytest.TempPathFactory) -> tuple[keras.Model, Path]:
    """A student that is finished, and the folder of its study."""
    folder = tmp_path_factory.mktemp("studied")
    plan = Plan(rounds=3, steps_each=80, batch=16, peak_rate=3e-3, averaging=0.9)
    return study(lessons(120, seed=0), EXAM, plan, folder, TINY), folder


def test_a_student_learns_what_the_teachers_say_in_their_own_scales(
    studied: tuple[keras.Model, Path],
) -> None:
    student, folder = studied
    exams = json.loads((folder / "exams.json").read_text())
    assert [row["round"] for row in exams] == [1, 2, 3]
    assert exams[-1]["mn04_embedding"] > 0.5
    error = np.abs(ask(student, EXAM.windows) - EXAM.targets).mean()
    assert error < 0.5 * np.abs(EXAM.targets - EXAM.targets.mean(axis=0)).mean()
    kept = keras.models.load_model(folder / "student.keras", compile=False)
    np.testing.assert_allclose(ask(kept, EXAM.windows), ask(student, EXAM.windows), atol=1e-5)


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
    wider = Size(stem=16, blocks=((32, 2), (16, 2)), joined=16, embedding=16)

    with pytest.raises(TrainingError, match="of another size"):
        study(lessons(16, seed=0), EXAM, Plan(rounds=1, steps_each=1), tmp_path, wider, first)


def test_a_student_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="after the first round"):
        finished(tmp_path / "student.keras")


def test_an_interrupted_study_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(rounds=3, steps_each=2, batch=4)
    n_exams = 0

    def interrupted(*asked: Any) -> np.ndarray:
        nonlocal n_exams
        n_exams += 1
        if n_exams == 2:
            raise KeyboardInterrupt
        return ask(*asked)

    monkeypatch.setattr(study_module, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        study(lessons(16, seed=0), lessons(4, seed=1), plan, tmp_path, TINY)
    assert len(json.loads((tmp_path / "exams.json").read_text())) == 1

    study(lessons(16, seed=0), lessons(4, seed=1), plan, tmp_path, TINY)

    exams = json.loads((tmp_path / "exams.json").read_text())
    assert [row["round"] for row in exams] == [1, 2, 3]
    assert n_exams == 4


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
