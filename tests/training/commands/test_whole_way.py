import json
from pathlib import Path

import pytest

from service.settings import Settings
from tests.audio import noise
from tests.service.serving import serve
from tests.training.fitting.test_song_windows import write_song
from tests.training.made import write_guitar_chords_v3, write_wav
from training.cli import main
from training.data.labels import CHORDS


@pytest.mark.usefixtures("_tiny")
def test_the_whole_way_from_recordings_to_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With nothing but the commands, in a working directory of its own."""
    monkeypatch.chdir(tmp_path)
    write_guitar_chords_v3(
        Path("recordings"), chords=("Am", "C", "G"), takes=1, test_players=("electric_Isabel",)
    )
    (tmp_path / "recordings" / "Training" / "C" / "C_Jo_9.wav").write_bytes(b"no sound at all")

    assert main(["prepare", "chord", "--data", "recordings"]) == 0
    write_wav(tmp_path / "talk" / "a.wav", noise(1.0, rate_hz=11_025), 11_025)
    fit_chords = ["fit", "chord", "--data", "recordings", "--seed", "5"]
    songs = write_song(tmp_path / "songs")
    assert main([*fit_chords, "--outside", str(tmp_path / "talk"), "--songs", str(songs)]) == 0
    assert main(["export", "chord"]) == 0
    assert main(["report", "chord"]) == 0
    evaluate = ["evaluate", "models/chord", "--data", "recordings", "--split", "test"]
    assert main([*evaluate, "--json", "out/figures.json", "--page", "out/page.html"]) == 0

    progressions = ["progressions", "chord", "--data", "recordings", "--count", "1"]
    assert main([*progressions, "--json", "out/progressions.json"]) == 0

    invariance = ["invariance", "chord", "--data", "recordings", "--count", "2"]
    assert main([*invariance, "--json", "out/invariance.json"]) == 0

    outsiders = ["outsiders", "models/chord", "--data", "talk", "--count", "3"]
    assert main([*outsiders, "--json", "out/outsiders.json"]) == 0

    strangers = json.loads(Path("out/outsiders.json").read_text("utf-8"))
    assert [(row["kind"], row["n"]) for row in strangers] == [("noise and hum", 3), ("talk", 1)]
    over_time = json.loads(Path("out/progressions.json").read_text("utf-8"))
    assert [part["name"] for part in over_time["parts"]] == ["all guitars", "guitar-chords-v3"]
    assert set(over_time["parts"][0]["figures"]) > {"root", "majmin", "sevenths", "seg"}
    assert str(tmp_path) not in json.dumps(over_time)
    changed = json.loads(Path("out/invariance.json").read_text("utf-8"))
    # Two of each of three players.
    assert changed["clips_by_data_set"] == {"guitar-chords-v3": 6}
    assert changed["changes"][0]["same_answer"]["value"] == 1.0
    assert str(tmp_path) not in json.dumps(changed)
    assert Path("runs/chord/report/report.md").exists()
    figures = json.loads(Path("out/figures.json").read_text("utf-8"))
    assert figures["n"] == 3
    assert [clip["truth"] for clip in figures["clips"]] == ["Am", "C", "G"]
    card = Path("models/chord/card.json").read_text("utf-8")
    assert str(tmp_path) not in card
    record = json.loads(card)["training"]
    assert record["command"] == (
        "python -m training fit chord --data recordings --outside talk --songs songs --seed 5"
    )
    assert record["data_sets"] == {"guitar-chords-v3": 9}
    assert record["clips_skipped"] == 1

    settings = Settings(models_dir=tmp_path / "models", tasks=("chord",))
    wav = tmp_path / "recordings" / "Test" / "Am" / "Am_electric_Isabel_1.wav"
    with serve(settings) as client:
        assert client.get("/health/ready").status_code == 200
        answer = client.post(
            "/classify/chord", content=wav.read_bytes(), headers={"content-type": "audio/wav"}
        )

    assert answer.status_code == 200
    probabilities = answer.json()["probabilities"]
    assert set(probabilities) == set(CHORDS)
    assert sum(probabilities.values()) == pytest.approx(1, abs=1e-4)
    evaluated = figures["clips"][0]["probabilities"]
    for label, probability in probabilities.items():
        assert probability == pytest.approx(evaluated[label], abs=2e-3)
