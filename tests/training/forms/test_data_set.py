import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.audio import noise, tone
from tests.training.made import make_clip, write_csv, write_wav
from training.cli import main
from training.commands.prepare import DATA_FORMATS
from training.compiled import librosa
from training.data.readers import read_data_set
from training.data.readers.statistics import N_FEATURES
from training.errors import TrainingError
from training.forms.data_set import FORMATS, write_data_set

RATE_HZ = 22_050
KAGGLE_BEGINS = ["filename", "length", "chroma_stft_mean", "chroma_stft_var", "rms_mean"]
KAGGLE_ENDS = ["mfcc20_mean", "mfcc20_var", "label"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A tone of 7 s in rock, a hiss of 1 s in jazz, and a file that is no audio."""
    sound = tone(440, 7.0, rate_hz=RATE_HZ) + noise(7.0, rate_hz=RATE_HZ, amplitude=0.01)
    write_wav(tmp_path / "rock.00001.wav", sound, RATE_HZ)
    write_wav(tmp_path / "jazz.00002.wav", noise(1.0, rate_hz=RATE_HZ, amplitude=0.2), RATE_HZ)
    (tmp_path / "pop.00003.wav").write_bytes(b"no audio")
    rows = [(f"{n}.wav", n[:-6], f"by {n[:4]}") for n in ("rock.00001", "jazz.00002", "pop.00003")]
    return write_csv(tmp_path / "list.csv", ("file", "genre", "group"), rows)


def rows_of(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_the_command_line_names_all_forms() -> None:
    assert DATA_FORMATS == FORMATS


def test_the_tables_have_kaggles_columns_and_names(data: Path, tmp_path: Path) -> None:
    assert (
        main(["prepare", "genre", "--data", str(data), "--format", "csv", "--out", str(tmp_path)])
        == 0
    )

    whole, pieces = (rows_of(tmp_path / f"features_{n}_sec.csv") for n in (30, 3))
    columns = list(whole[0])
    assert columns[:5] == KAGGLE_BEGINS
    assert columns[-3:] == KAGGLE_ENDS
    assert len(columns) == N_FEATURES + 3
    assert [(row["filename"], row["length"], row["label"]) for row in whole] == [
        ("rock.00001.wav", str(7 * RATE_HZ), "rock"),
        ("jazz.00002.wav", str(RATE_HZ), "jazz"),
    ]
    assert [(row["filename"], row["length"]) for row in pieces] == [
        ("rock.00001.0.wav", "66150"),
        ("rock.00001.1.wav", "66150"),
        ("jazz.00002.0.wav", str(RATE_HZ)),
    ]
    # What a tone with a trace of noise must give: A is one pitch class of twelve, near 440 Hz.
    assert 0.08 < float(whole[0]["chroma_stft_mean"]) < 0.5
    assert float(whole[0]["rms_mean"]) == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert float(whole[0]["zero_crossing_rate_mean"]) == pytest.approx(880 / RATE_HZ, rel=0.02)


def test_the_tables_are_read_as_kaggles_are(data: Path, tmp_path: Path) -> None:
    clips = read_data_set(data, "genre")
    for file in write_data_set(clips, "csv", tmp_path):
        read = read_data_set(file, "genre")
        assert {clip.group for clip in read} == {"gtzan:rock.00001", "gtzan:jazz.00002"}


def test_json_holds_the_mfccs_of_each_piece(data: Path, tmp_path: Path) -> None:
    (file,) = write_data_set(read_data_set(data, "genre"), "json", tmp_path / "new")

    held = json.loads(file.read_text("utf-8"))
    assert held["mapping"] == ["jazz", "rock"]
    assert held["labels"] == [1, 1, 0]
    assert held["files"] == ["rock.00001.wav", "rock.00001.wav", "jazz.00002.wav"]
    assert held["groups"] == ["by rock", "by rock", "by jazz"]
    assert [np.shape(one) for one in held["mfcc"]] == [(130, 13), (130, 13), (44, 13)]
    source = read_data_set(data, "genre")[0].source
    samples = source.samples(RATE_HZ)[66_150 : 2 * 66_150]  # type: ignore[attr-defined]
    expected = librosa.feature.mfcc(y=samples, sr=RATE_HZ, n_mfcc=13).T
    np.testing.assert_allclose(held["mfcc"][1], expected, rtol=1e-4, atol=1e-2)


def test_parquet_also_holds_group_and_split(data: Path, tmp_path: Path) -> None:
    whole, pieces = write_data_set(read_data_set(data, "genre"), "parquet", tmp_path)
    table = pq.read_table(whole).to_pydict()
    assert table["group"] == ["by rock", "by jazz"]
    assert table["split"] == ["extra", "extra"]
    assert table["rms_mean"][0] == pytest.approx(0.5 / np.sqrt(2), rel=0.02)
    assert pq.read_table(pieces).num_rows == 3


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"no audio")
    listed = write_csv(tmp_path / "list.csv", ("file", "genre"), [("a.wav", "rock")])
    with pytest.raises(TrainingError, match="can be read"):
        write_data_set(read_data_set(listed, "genre"), "csv", tmp_path)


def test_what_is_no_audio_is_no_data_for_others(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="Give audio files"):
        write_data_set([make_clip("rock")], "json", tmp_path)
