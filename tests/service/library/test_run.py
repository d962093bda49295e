import csv
import json
import os
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from pyarrow import parquet

from service.library.problems import LibraryError
from service.library.question import Question
from service.library.state import Counts
from service.library.table import check_ending
from tests.audio import encode, tone
from tests.bundles import CHORDS, EMOTIONS, GENRES, band_centre_hz, edit_card, write_bundle
from tests.service.library.classified import QUESTION, classify, table
from tests.service.library.libraries import TASKS, InlineEngine, write_library, write_song


def test_each_file_is_a_row_with_all_that_was_answered(models_dir: Path, tmp_path: Path) -> None:
    write_library(tmp_path / "music", len(GENRES))

    counts = classify(tmp_path, InlineEngine(models_dir))

    rows = table(tmp_path / "out.jsonl")
    assert [row["genre_label"] for row in rows] == list(GENRES)
    assert counts == Counts(4, 4, 0, 4, 0, 0)
    row = rows[0]
    assert row["file"] == str(tmp_path / "music" / "0000.wav")
    assert row["size_bytes"] == (tmp_path / "music" / "0000.wav").stat().st_size
    assert (row["problem"], row["format"], row["sample_rate_hz"]) == (None, "wav", 44100)
    assert row["genre_confidence"] == row["genre_p_blues"]
    assert row["genre_uncertain"] is False
    assert sum(float(str(row[f"genre_p_{label}"])) for label in GENRES) == pytest.approx(1)
    assert {f"chord_p_{label}" for label in CHORDS} | {f"emotion_p_{e}" for e in EMOTIONS} <= set(
        row
    )
    assert row["genre_model_version"] == "1.0.0"
    assert "genre_timeline" not in row
    assert "excerpt_start_s" not in row


def test_over_time_the_table_holds_how_much_and_how_sure(models_dir: Path, tmp_path: Path) -> None:
    write_song(tmp_path / "music" / "a.wav", "jazz", duration_s=3)
    question = QUESTION.model_copy(update={"timeline": True, "top_k": 2})

    classify(tmp_path, InlineEngine(models_dir), question=question)

    (row,) = table(tmp_path / "out.jsonl")
    segments = cast(list[dict[str, Any]], row["genre_timeline"])
    assert segments
    for segment in segments:
        listed = [one["label"] for one in segment["probabilities"]]
        assert listed[0] == segment["label"] == "jazz"
        assert len(listed) == 2
        assert segment["probabilities"][0]["probability"] == segment["confidence"]
    told = [label for label in GENRES if row[f"genre_spread_{label}"] is not None]
    assert told == [label for label in GENRES if row[f"genre_p_{label}"] is not None]
    assert len(told) == 2


def test_only_the_part_that_is_asked_for_is_heard(models_dir: Path, tmp_path: Path) -> None:
    before = tone(band_centre_hz(GENRES.index("rock"), len(GENRES)), 2.0)
    asked = tone(band_centre_hz(GENRES.index("jazz"), len(GENRES)), 2.0)
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.wav").write_bytes(encode(np.concatenate([before, asked])))
    question = QUESTION.model_copy(update={"start_s": 2.25, "duration_s": 1.5, "timeline": True})

    classify(tmp_path, InlineEngine(models_dir), question=question)

    (row,) = table(tmp_path / "out.jsonl")
    assert (row["genre_label"], row["excerpt_start_s"], row["duration_s"]) == ("jazz", 2.25, 1.5)
    segments = cast(list[dict[str, Any]], row["genre_timeline"])
    assert (segments[0]["start_s"], segments[-1]["end_s"]) == (2.25, 3.75)


def test_what_is_no_music_is_told_as_by_the_api(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "models" / "genre", embedding_gain=20.0)
    kinds = {"labels": ["music", "speech", "noise"], "uncertain_below": 0.5, "fitted_on": "made up"}
    edit_card(folder, kinds=kinds)
    write_song(tmp_path / "music" / "a.wav", GENRES[1])  # its last three bands are the kinds
    write_song(tmp_path / "music" / "b.wav", GENRES[2])

    engine = InlineEngine(tmp_path / "models", ["genre"])
    classify(tmp_path, engine, question=Question(tasks=("genre",)))

    music, speech = table(tmp_path / "out.jsonl")
    assert not any("no_music" in warning for warning in cast(list[str], music["warnings"]))
    assert float(str(music["genre_music"])) > 0.5 > float(str(speech["genre_music"]))
    assert "no_music: this sounds like speech" in cast(list[str], speech["warnings"])
    assert speech["genre_uncertain"] is True


def test_the_key_of_chords_is_a_column(tmp_path: Path) -> None:
    labels = ("C", "F", "G", "N")
    folder = write_bundle(tmp_path / "models" / "chord", labels=labels)
    harte = ["C:maj", "F:maj", "G:maj", "N"]
    edit_card(folder, lab_labels=harte, timeline={"change_probability": 0.1})
    tones = [tone(band_centre_hz(chord, len(labels)), 4.0) for chord in (0, 1, 2, 0)]
    (tmp_path / "music").mkdir()
    (tmp_path / "music" / "a.wav").write_bytes(encode(np.concatenate(tones)))
    (tmp_path / "music" / "b.wav").write_bytes(encode(tones[0]))

    engine = InlineEngine(tmp_path / "models", ["chord"])
    classify(tmp_path, engine, question=Question(tasks=("chord",)))

    song, single = table(tmp_path / "out.jsonl")
    assert song["chord_key"] == "C major"
    assert 0.5 < float(str(song["chord_key_probability"])) <= 1
    assert (single["chord_key"], single["chord_key_probability"]) == (None, None)
    # This bundle's features have no bands of semitones.
    assert song["chord_tuning_cents"] is None


def test_the_three_formats_say_the_same(models_dir: Path, tmp_path: Path) -> None:
    write_library(tmp_path / "music", 3)
    (tmp_path / "music" / "broken.wav").write_bytes(b"RIFF0000WAVE")
    question = QUESTION.model_copy(update={"timeline": True})
    for name in ("t.parquet", "t.csv", "t.jsonl"):
        classify(tmp_path, InlineEngine(models_dir), name, question=question)

    in_json = table(tmp_path / "t.jsonl")
    in_parquet = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    with (tmp_path / "t.csv").open(newline="") as file:
        in_csv = list(csv.DictReader(file))

    assert [row | {"modified": row["modified"].isoformat()} for row in in_parquet] == in_json
    for cells, row in zip(in_csv, in_json, strict=True):
        assert list(cells) == list(row)
        for name, value in row.items():
            if isinstance(value, bool | list):
                assert json.loads(cells[name]) == value
            else:
                assert cells[name] == ("" if value is None else str(value))
    assert in_json[0]["genre_timeline"]


def test_a_file_with_a_problem_is_a_row_and_not_the_end(models_dir: Path, tmp_path: Path) -> None:
    music = tmp_path / "music"
    write_song(music / "a.wav")
    (music / "b.mp3").write_bytes(b"ID3 and no more")
    (music / "c.wav").symlink_to("nowhere")
    write_song(music / "d.wav", duration_s=3)
    (music / "e.wav").touch()
    question = QUESTION.model_copy(update={"max_duration_s": 2})

    counts = classify(tmp_path, InlineEngine(models_dir), question=question)

    rows = table(tmp_path / "out.jsonl")
    kinds = [None, "unusable-audio", "unreadable-file", "too-many-seconds", "unusable-audio"]
    assert [row["problem"] for row in rows] == kinds
    assert [row["genre_label"] for row in rows] == ["rock", None, None, None, None]
    details = [str(row["problem_detail"]) for row in rows]
    told = ("No such file", "with --max-duration-s", "The file is empty.")
    assert all(part in detail for part, detail in zip(told, details[2:], strict=True))
    assert (counts.answered, counts.problems) == (1, 4)


def test_a_pipe_is_not_waited_for_when_problems_are_done_again(
    models_dir: Path, tmp_path: Path
) -> None:
    (tmp_path / "music").mkdir()
    os.mkfifo(tmp_path / "music" / "pipe.wav")

    for redo in (frozenset[str](), frozenset({"problems", "changed"})):
        classify(tmp_path, InlineEngine(models_dir), redo=redo)
        (row,) = table(tmp_path / "out.jsonl")
        assert row["problem"] == "unreadable-file"
        assert "Not a regular file" in str(row["problem_detail"])


def test_a_table_that_cannot_be_written_leaves_nothing_behind(
    models_dir: Path, tmp_path: Path
) -> None:
    write_library(tmp_path / "music", 1)
    (tmp_path / "out.csv").mkdir()

    with pytest.raises(LibraryError, match=r"out.csv cannot be written"):
        classify(tmp_path, InlineEngine(models_dir), name="out.csv")

    assert list(tmp_path.glob(".*")) == []


def test_files_that_are_too_large_are_not_read(models_dir: Path, tmp_path: Path) -> None:
    write_song(tmp_path / "music" / "a.wav")
    question = QUESTION.model_copy(update={"max_bytes": 1000})

    classify(tmp_path, InlineEngine(models_dir), question=question)

    assert table(tmp_path / "out.jsonl")[0]["problem"] == "too-many-bytes"


def test_lab_files_mirror_the_library(models_dir: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    models.mkdir()
    for task in TASKS:
        (models / task).symlink_to(models_dir / task)
    (models / "chord").unlink()
    (models / "chord").mkdir()
    for file in (models_dir / "chord").iterdir():
        (models / "chord" / file.name).write_bytes(file.read_bytes())
    edit_card(models / "chord", lab_labels=["A:min", "C:maj", "F#:min", "N", "B:dim"])
    music = tmp_path / "music"
    write_song(music / "deep" / "a.wav", duration_s=1)
    write_song(music / "b.wav", duration_s=1.1)
    (music / "b.aiff").write_bytes(b"FORM no more")
    write_song(tmp_path / "more" / "deep" / "a.wav", duration_s=1.2)
    write_song(music / f"{250 * 'n'}.wav", duration_s=1.3)

    def labs(*paths: Path) -> list[str]:
        named, out = tuple(str(path) for path in paths), tmp_path / "labs" / str(len(paths))
        classify(tmp_path, InlineEngine(models), chords=out, paths=named)
        return sorted(str(p.relative_to(out)) for p in out.rglob("*") if p.is_file())

    long = f"{250 * 'n'}.lab"
    assert labs(music) == ["b.wav.lab", "deep/a.lab", long]
    # Two files of one name keep the whole way.
    below = str(tmp_path).lstrip("/")
    assert labs(music, tmp_path / "more") == sorted(
        ["b.wav.lab", long] + [f"{below}/{folder}/deep/a.wav.lab" for folder in ("more", "music")]
    )
    first = (tmp_path / "labs" / "1" / "deep" / "a.lab").read_text().splitlines()[0].split("\t")
    assert first[0] == "0.000"
    assert first[2] in {"A:min", "C:maj", "F#:min", "N", "B:dim"}
    # Of a song they are more than a cell of a spreadsheet holds, so the table holds none of them.
    assert "chord_timeline" not in table(tmp_path / "out.jsonl")[0]


def test_chords_over_time_have_a_place_for_their_bass_in_the_table(tmp_path: Path) -> None:
    labels = ("C", "F", "G", "N")
    folder = write_bundle(tmp_path / "models" / "chord", labels=labels)
    harte = ["C:maj", "F:maj", "G:maj", "N"]
    edit_card(folder, lab_labels=harte, timeline={"change_probability": 0.1})
    write_song(tmp_path / "music" / "a.wav")
    question = Question(tasks=("chord",), timeline=True)
    for name in ("t.parquet", "t.jsonl"):
        classify(tmp_path, InlineEngine(tmp_path / "models", ["chord"]), name, question=question)

    (row,) = table(tmp_path / "t.jsonl")
    (kept,) = parquet.read_table(tmp_path / "t.parquet").to_pylist()
    segments = cast(list[dict[str, Any]], row["chord_timeline"])
    assert kept["chord_timeline"] == segments
    assert {segment["bass"] for segment in segments} == {None}


def test_lab_files_need_a_task_that_has_them(models_dir: Path, tmp_path: Path) -> None:
    write_library(tmp_path / "music", 1)
    engine = InlineEngine(models_dir, ["genre"])
    question = Question(tasks=("genre",))

    with pytest.raises(LibraryError, match="needs the task chord"):
        classify(tmp_path, engine, question=question, chords=tmp_path / "labs")
    assert engine.classified == []


def test_names_that_are_no_text_are_spelled_out(models_dir: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "music" / "a.wav")
    os.rename(os.fsencode(song), os.fsencode(song.parent) + b"/caf\xe9.wav")  # noqa: PTH104

    counts = classify(tmp_path, InlineEngine(models_dir))

    assert counts.answered == 1
    assert str(table(tmp_path / "out.jsonl")[0]["file"]).endswith("caf\\xe9.wav")


def test_an_ending_that_is_no_table_is_refused() -> None:
    with pytest.raises(LibraryError, match=r"\.xlsx; write one of \.parquet, \.csv, \.jsonl"):
        check_ending(Path("table.xlsx"))
