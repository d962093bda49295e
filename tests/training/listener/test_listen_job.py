import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.errors import TrainingError
from training.listener import gathering, lessons, listen_job
from training.listener.lessons import TARGETS, Lessons
from training.listener.listen_job import ListenFolder, gather, keep, learn, prepare
from training.listener.mixing import Mixer
from training.listener.recordings import RATE_HZ, Shelf
from training.listener.study import Plan
from training.listener.wear import Wear
from training.networks import listener
from training.networks.listener import Size, build
from training.networks.musicnn import FRAMES, SPEC


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rows = ["file,genre,dataset,group"]
    for number in range(4):
        samples = 0.1 * np.random.default_rng(number).standard_normal(8_000)
        soundfile.write(tmp_path / f"{number}.wav", samples, 8_000)
        rows.append(f"{number}.wav,rock,set,artist:{number}")
    (tmp_path / "genre.csv").write_text("\n".join(rows))
    return tmp_path


def test_what_is_gathered_is_dealt_to_study_and_exam(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "is_held_out", lambda group: group == "artist:2")
    caplog.set_level("INFO")
    folder = ListenFolder(tmp_path / "run")

    gather(folder, [data], [], fetch=False)

    assert len(Shelf(folder.shelf).recordings) == 4
    assert "to study: 3 recordings" in caplog.text
    assert "for the exam: 1 recordings" in caplog.text


def test_without_teachers_nothing_is_prepared(data: Path, tmp_path: Path) -> None:
    folder = ListenFolder(tmp_path / "run")
    gather(folder, [data], [], fetch=False)

    with pytest.raises(TrainingError, match="--teachers"):
        prepare(folder, tmp_path / "nobody", range(1))

    assert not folder.lessons.exists()


@pytest.mark.parametrize("wear", [None, Wear(rooms=1)])
def test_worn_lessons_are_examined_by_worn_and_by_other_mixtures(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wear: Wear | None
) -> None:
    asked: dict[str, list[float]] = {}

    def draw_one(_: object, mixer: Mixer, path: Path, *__: object) -> None:
        asked[path.name] = mixer.draw(np.random.default_rng(0)).samples[:RATE_HZ].tolist()

    monkeypatch.setattr(gathering, "is_held_out", lambda group: group == "artist:2")
    monkeypatch.setattr(listen_job, "Mn04", lambda _: None)
    monkeypatch.setattr(listen_job, "Musicnn", lambda _: None)
    monkeypatch.setattr(listen_job, "Classroom", lambda *_: None)
    monkeypatch.setattr(lessons, "prepare", draw_one)
    folder = ListenFolder(tmp_path / "run")
    gather(folder, [data], [], fetch=False)

    prepare(folder, tmp_path, range(1), wear)

    assert set(asked) == {"exam", "lessons"} | ({"worn_exam"} if wear else set())
    if wear:
        assert asked["worn_exam"] != asked["exam"]


def test_a_student_is_asked_at_last_what_it_knows_of_worn_mixtures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    folder = ListenFolder(tmp_path)
    rng = np.random.default_rng(0)
    outputs = sum(TARGETS.values())
    for path in (folder.lessons, folder.exam, folder.worn_exam):
        path.mkdir()
        windows = rng.integers(256, size=(4, FRAMES, SPEC.bands)).astype(np.uint8)
        said = rng.standard_normal((4, outputs)).astype(np.float16)
        one = Lessons(windows, said, np.ones((4, 3), np.float16))
        lessons._store(one, path / "part_00000.npz")
    silent = build(outputs, Size(stem=16, blocks=(), joined=16, embedding=16))
    folder.study.mkdir()
    folder.exams.write_text(json.dumps([{"round": 1} | dict.fromkeys(TARGETS, 0.25)]))
    monkeypatch.setattr(listen_job, "study", lambda *_: silent)
    for made in ("listener_of", "in_whole_numbers"):
        monkeypatch.setattr(listen_job, made, lambda *_: None)
    monkeypatch.setattr(listener, "keep", lambda _: None)

    learn(folder, Plan(rounds=1))

    assert "no recorded noise" in caplog.text
    figures = json.loads(folder.worn_figures.read_text("ascii"))
    assert set(figures) == set(TARGETS)
    assert all(share <= 0 for share in figures.values())  # who says 0 explains nothing
    assert "not studied: mn04_embedding 0.250" in caplog.text
    assert "rooms and codecs: mn04_embedding -" in caplog.text


def test_without_lessons_nothing_is_studied(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="prepare"):
        learn(ListenFolder(tmp_path), Plan(rounds=1))


def test_without_a_finished_student_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"student\.keras is missing"):
        keep(ListenFolder(tmp_path), seed=1)


def test_a_listener_that_knows_the_noises_of_the_shelf_is_kept_in_whole_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ListenFolder(tmp_path)
    folder.shelf.mkdir()
    monkeypatch.setattr(listen_job, "recorded_noises", lambda shelf: [("noises of", shelf)])
    kept: list[object] = []
    monkeypatch.setattr(listen_job, "finished", lambda file: ("student", file))
    monkeypatch.setattr(lessons, "load", lambda file: ("lessons", file))
    monkeypatch.setattr(listen_job, "listener_of", lambda *given: ("heard", *given))
    monkeypatch.setattr(listen_job, "in_whole_numbers", lambda *given: ("whole", *given))
    monkeypatch.setattr(listener, "keep", kept.append)

    keep(folder, seed=3)

    student, taught = ("student", folder.student), ("lessons", folder.lessons)
    heard = ("heard", student, taught, 3, [("noises of", folder.shelf)])
    assert kept == [("whole", heard, taught, 3)]
