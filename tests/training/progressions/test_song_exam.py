from pathlib import Path

import numpy as np
import pytest

from service.inference.bundle import Bundle
from tests.bundles import write_bundle
from tests.training.made import GUITAR_RATE_HZ, strum, write_wav
from training.data.annotation import Annotation
from training.data.song_folder import write_jams
from training.errors import TrainingError
from training.evaluation.evaluate import load_bundle
from training.progressions.song_exam import measure_songs

SHIPPED = Path(__file__).parents[3] / "models" / "chord"


def write_folder(folder: Path) -> Path:
    """Write two recordings of a chord each, one of them with a wrong label, and one broken."""
    for name, label in (("right", "A:min"), ("wrong", "Eb:maj")):
        write_wav(folder / f"{name}.wav", strum("Am", seed=1), GUITAR_RATE_HZ)
        (folder / f"{name}.lab").write_text(f"0.0\t1.2\t{label}\n", "utf-8")
    (folder / "broken.wav").write_bytes(b"no sound")
    (folder / "broken.lab").write_text("0.0\t1.2\tC:maj\n", "utf-8")
    return folder


def test_what_the_service_says_is_scored_against_the_files_beside_the_audio(
    tmp_path: Path,
) -> None:
    done = measure_songs(write_folder(tmp_path), load_bundle(SHIPPED))
    assert (done.recordings, done.groups) == (2, 2)
    assert {row.file: row.figures["majmin"] for row in done.rows} == {
        "right.wav": 1,
        "wrong.wav": 0,
    }
    assert done.figures["majmin"].value == pytest.approx(0.5)
    assert [problem.split(":")[0] for problem in done.unreadable] == ["broken.wav"]


def test_the_table_has_the_figures_and_those_of_others(tmp_path: Path) -> None:
    table = measure_songs(write_folder(tmp_path), load_bundle(SHIPPED)).table()
    lines = table.splitlines()
    assert lines[0].startswith("| | root | majmin |")
    assert lines[2].startswith("| chord ")
    assert "2 recordings | 0.500 (" in lines[2]
    assert lines[2].endswith("| 0.000 |")
    assert "| BTC, published, GuitarSet | 0.809 |" in table
    assert len({line.count("|") for line in lines}) == 1


def test_the_key_is_scored_where_it_is_known(tmp_path: Path) -> None:
    write_folder(tmp_path)
    assert "key" not in measure_songs(tmp_path, load_bundle(SHIPPED)).figures

    chords = ["C:maj", "F:maj", "G:maj", "C:maj"]
    played = [strum(chord.removesuffix(":maj"), seed=2) for chord in chords]
    length_s = len(played[0]) / GUITAR_RATE_HZ
    starts_s = length_s * np.arange(len(chords))
    write_wav(tmp_path / "song.wav", np.concatenate(played), GUITAR_RATE_HZ)
    intervals_s = np.stack([starts_s, starts_s + length_s], axis=1)
    duration_s = len(chords) * length_s
    keys = Annotation(np.array([[0.0, duration_s]]), ["C:maj"])
    write_jams(tmp_path / "song.jams", Annotation(intervals_s, chords), keys, duration_s, {})

    report = measure_songs(tmp_path, load_bundle(SHIPPED))
    assert report.figures["key"].value == 1
    assert {row.file: row.figures.get("key") for row in report.rows} == {
        "right.wav": None,
        "wrong.wav": None,
        "song.wav": 1,
    }
    lines = report.table().splitlines()
    assert "| key |" in lines[0]
    assert len({line.count("|") for line in lines}) == 1


def test_figures_that_speak_of_no_chord_are_left_out(tmp_path: Path) -> None:
    """A diminished chord is neither major nor minor, so majmin cannot be wrong about it."""
    write_wav(tmp_path / "a.wav", strum("Am", seed=1), GUITAR_RATE_HZ)
    (tmp_path / "a.lab").write_text("0.0\t1.2\tA:dim\n", "utf-8")

    alone = measure_songs(tmp_path, load_bundle(SHIPPED))
    assert "majmin" not in alone.figures
    assert len({line.count("|") for line in alone.table().splitlines()}) == 1

    write_wav(tmp_path / "b.wav", strum("Am", seed=1), GUITAR_RATE_HZ)
    (tmp_path / "b.lab").write_text("0.0\t1.2\tA:min\n", "utf-8")
    both = measure_songs(tmp_path, load_bundle(SHIPPED))
    assert both.figures["majmin"].value == 1
    assert both.table().splitlines()[2].endswith("| 1.000 |")


def test_a_bundle_without_a_lab_form_is_refused(tmp_path: Path) -> None:
    bundle = Bundle.load(write_bundle(tmp_path / "genre"))
    with pytest.raises(TrainingError, match=r"no \.lab form"):
        measure_songs(write_folder(tmp_path / "songs"), bundle)


def test_a_folder_of_which_nothing_can_be_decoded_is_refused(tmp_path: Path) -> None:
    folder = write_folder(tmp_path)
    for name in ("right", "wrong"):
        (folder / f"{name}.wav").unlink()
    with pytest.raises(TrainingError, match=r"None of the recordings.*broken\.wav"):
        measure_songs(folder, load_bundle(SHIPPED))
