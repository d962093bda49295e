import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.audio import tone
from training.listener import report
from training.listener.report import knowledge, write
from training.networks.musicnn import SPEC

RATE_HZ = SPEC.sample_rate_hz


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of low tones that are happy and high tones that are sad, of 12 artists."""
    folder = tmp_path_factory.mktemp("data")
    rows = ["file,emotion,dataset,group"]
    for number in range(24):
        emotion, hz = (("happy", 300), ("sad", 3_000))[number % 2]
        soundfile.write(folder / f"{number}.wav", tone(hz, 0.4, rate_hz=RATE_HZ), RATE_HZ)
        rows.append(f"{number}.wav,{emotion},set,artist:{number // 2}")
    (folder / "emotion.csv").write_text("\n".join(rows))
    return folder


def test_a_listener_is_measured_by_what_can_be_told_from_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report, "TASKS", ("emotion",))
    listeners = {
        "sharp": lambda windows: windows.mean(axis=1),
        "deaf": lambda windows: np.zeros((len(windows), 2), np.float32),
    }

    known = {one.listener: one for one in knowledge([data], listeners)}

    assert list(known) == ["sharp", "deaf", "sharp and deaf"]
    assert known["sharp"].n == 24
    assert known["sharp"].accuracy.value == 1
    assert known["deaf"].accuracy.value < 0.7
    assert "sharp, emotion: accuracy 1.000" in known["sharp"].summary()


def test_what_was_measured_is_written_beside_the_exams(tmp_path: Path) -> None:
    exams = tmp_path / "exams.json"
    exams.write_text('[{"round": 1}]')

    write(exams, [], tmp_path / "report.json")

    found = json.loads((tmp_path / "report.json").read_text())
    assert found == {"exams": [{"round": 1}], "knowledge": []}
