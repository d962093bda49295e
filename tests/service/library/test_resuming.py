import os
from pathlib import Path

import pytest

from service.library.problems import LibraryError
from tests.service.library.classified import classify, table
from tests.service.library.libraries import InlineEngine, write_library, write_song


def test_a_content_is_classified_once(models_dir: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "music" / "a.wav", "jazz")
    (tmp_path / "music" / "b.wav").write_bytes(song.read_bytes())
    write_song(tmp_path / "music" / "c.wav", "rock")  # of the same size
    write_song(tmp_path / "music" / "d.wav", "rock", duration_s=0.7)
    engine = InlineEngine(models_dir)

    counts = classify(tmp_path, engine)

    assert [Path(file).name for file in engine.hashed] == ["a.wav", "b.wav", "c.wav"]
    assert [Path(file).name for file in engine.classified] == ["a.wav", "c.wav", "d.wav"]
    labels = [row["genre_label"] for row in table(tmp_path / "out.jsonl")]
    assert labels == ["jazz", "jazz", "rock", "rock"]
    assert counts.contents == 3


def test_a_second_run_classifies_only_what_is_new(models_dir: Path, tmp_path: Path) -> None:
    write_library(tmp_path / "music", 3)
    classify(tmp_path, InlineEngine(models_dir))
    new = write_song(tmp_path / "music" / "new.wav", duration_s=0.9)
    engine = InlineEngine(models_dir)

    counts = classify(tmp_path, engine)

    assert engine.classified == [str(new)]
    assert counts.answered == 4


def test_changed_files_are_classified_again_on_request(models_dir: Path, tmp_path: Path) -> None:
    changed = write_song(tmp_path / "music" / "a.wav", "jazz")
    touched = write_song(tmp_path / "music" / "b.wav", "rock", duration_s=0.8)
    classify(tmp_path, InlineEngine(models_dir))
    write_song(changed, "blues")
    os.utime(touched, ns=(1, 1))

    assert classify(tmp_path, InlineEngine(models_dir)).changed == 2
    engine = InlineEngine(models_dir)
    counts = classify(tmp_path, engine, redo=frozenset({"changed"}))

    assert engine.classified == [str(changed)]
    assert counts.changed == 0
    labels = [row["genre_label"] for row in table(tmp_path / "out.jsonl")]
    assert labels == ["blues", "rock"]


def test_a_run_that_breaks_off_goes_on_where_it_was(models_dir: Path, tmp_path: Path) -> None:
    write_library(tmp_path / "music", 6)
    whole = tmp_path / "whole.jsonl"
    classify(tmp_path, InlineEngine(models_dir), whole.name)

    class BreaksOff(InlineEngine):
        def classify(self, files, question):  # type: ignore[no-untyped-def]
            for n, outcome in enumerate(super().classify(files, question)):
                if n == 4:
                    raise LibraryError("the cluster went away")
                yield outcome

    with pytest.raises(LibraryError, match="went away"):
        classify(tmp_path, BreaksOff(models_dir))
    assert not (tmp_path / "out.jsonl").exists()
    engine = InlineEngine(models_dir)
    classify(tmp_path, engine)

    assert len(engine.classified) == 2
    assert table(tmp_path / "out.jsonl") == table(whole)
