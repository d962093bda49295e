from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.errors import TrainingError
from training.listener import gathering
from training.listener.listen_job import ListenFolder, gather, learn, prepare
from training.listener.recordings import Shelf
from training.listener.study import Plan


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


def test_without_lessons_nothing_is_studied(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="prepare"):
        learn(ListenFolder(tmp_path), Plan(rounds=1))
