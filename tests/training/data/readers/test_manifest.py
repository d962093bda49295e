from pathlib import Path

import pytest

from tests.training.made import write_csv
from training.data.readers import AudioFile
from training.data.readers.manifest import read_emotion_list, read_manifest
from training.errors import TrainingError


def test_all_columns_are_used(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "genre.csv",
        ("file", "genre", "dataset", "group", "split", "comment"),
        [("music/a.opus", "Jazz", "gtzan", "artist:x", "train", "")],
    )

    (clip,) = read_manifest(path, "genre")

    assert clip.source == AudioFile(tmp_path / "music/a.opus")
    assert (clip.label, clip.data_set, clip.group, clip.split) == (
        "jazz", "gtzan", "artist:x", "train",
    )  # fmt: skip


def test_the_case_of_a_split_does_not_matter_and_another_word_is_refused(tmp_path: Path) -> None:
    columns = ("file", "mood", "split")
    path = write_csv(
        tmp_path / "mood.csv", columns, [("a.wav", "calm", " Test"), ("b", "wild", "")]
    )

    assert [clip.split for clip in read_manifest(path, "mood")] == ["test", "extra"]

    write_csv(path, columns, [("a.wav", "calm", "Validation")])
    with pytest.raises(TrainingError, match=r"the split Validation, .* write one of train, valid,"):
        read_manifest(path, "mood")


@pytest.mark.parametrize("header", [("file", "chord"), ("chord", "file", "dataset", "group")])
def test_what_is_not_told_is_taken_from_folder_and_file(
    tmp_path: Path, header: tuple[str, ...]
) -> None:
    cells = {"file": "a.wav", "chord": "A:min", "dataset": "", "group": ""}
    path = write_csv(tmp_path / "my guitars" / "list.csv", header, [[cells[c] for c in header]])

    (clip,) = read_manifest(path, "chord")

    assert (clip.label, clip.data_set, clip.group, clip.split) == (
        "Am", "my guitars", "file:a.wav", "extra",
    )  # fmt: skip


def test_a_list_in_the_working_directory_is_named_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "my guitars"
    write_csv(folder / "list.csv", ("file", "chord"), [("a.wav", "Am")])
    monkeypatch.chdir(folder)

    assert read_manifest(Path("list.csv"), "chord")[0].data_set == "my guitars"


def test_an_artist_is_one_group_however_the_name_is_typed(tmp_path: Path) -> None:
    names = ["Bj\u00f6rk", "Bjo\u0308rk", " Bj\u00f6rk "]
    rows = [(f"{n}.wav", "pop", name) for n, name in enumerate([*names, " "])]
    path = write_csv(tmp_path / "list.csv", ("file", "genre", "group"), rows)

    groups = [clip.group for clip in read_manifest(path, "genre")]

    assert groups == ["Bj\u00f6rk"] * 3 + ["file:3.wav"]


def test_spaces_after_commas_belong_to_nothing(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text('genre, file, group\nrock, "a, b.wav", Ann\n')
    (clip,) = read_manifest(tmp_path / "list.csv", "genre")
    assert clip.source == AudioFile(tmp_path / "a, b.wav")
    assert (clip.label, clip.group) == ("rock", "Ann")


def test_rows_without_a_label_of_the_task_are_left_out(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "list.csv",
        ("file", "genre", "emotion"),
        [("a.wav", "jazz", ""), ("b.wav", "techno", "sad"), ("c.wav", "", "angry")],
    )

    assert [clip.label for clip in read_manifest(path, "genre")] == ["jazz"]
    assert [clip.label for clip in read_manifest(path, "emotion")] == ["sad"]


def test_a_row_that_ends_early_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("file,genre\na.wav\nb.wav,jazz\n", "utf-8")
    assert [clip.source.name for clip in read_manifest(path, "genre")] == [str(tmp_path / "b.wav")]


@pytest.mark.parametrize("rows", ['"a.wav,rock\nb.wav,jazz\n', 'a.wav,"rock\nb.wav,"jazz"\n'])
def test_a_quote_that_is_left_open_swallows_no_rows(rows: str, tmp_path: Path) -> None:
    (tmp_path / "genre.csv").write_text(f"file,genre\n{rows}", "utf-8")
    with pytest.raises(TrainingError, match=r"ends in line 3\. Is a quote left open\?"):
        read_manifest(tmp_path / "genre.csv", "genre")


def test_an_absolute_path_stays_what_it_is(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere" / "a.wav"
    path = write_csv(tmp_path / "lists" / "l.csv", ("file", "genre"), [(str(elsewhere), "pop")])
    assert read_manifest(path, "genre")[0].source == AudioFile(elsewhere)


def test_a_byte_order_mark_does_not_hide_the_first_column(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("file,genre\na.wav,jazz\n", "utf-8-sig")
    assert len(read_manifest(path, "genre")) == 1


@pytest.mark.parametrize(
    ("text", "missing", "present"),
    [
        ("path,genre\na.wav,jazz\n", "file", "path, genre"),
        ("file,style\na.wav,jazz\n", "genre", "file, style"),
        ("a,b\n", "file or genre", "a, b"),
        ("", "file or genre", "none"),
    ],
)
def test_a_missing_column_is_named_with_those_that_are_there(
    tmp_path: Path, text: str, missing: str, present: str
) -> None:
    path = tmp_path / "list.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(TrainingError, match=f"no column {missing}; it has {present}") as refused:
        read_manifest(path, "genre")
    assert str(refused.value).endswith(" Name the columns file and genre.")


def test_a_list_that_is_no_text_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_bytes(b"\xff\xfe\x00\x01 no text")
    with pytest.raises(TrainingError, match=r"list\.csv"):
        read_manifest(path, "genre")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        (("ImageID", "Class"), ("1.wav", "Happy")),
        (("file", "label"), ("1.wav", "happy")),
        (("filename", "Emotion"), ("1.wav", "HAPPY")),
        ((" Audio ", "Target"), ("1.wav", "Happy")),
        (("SongID", "class"), ("1", "Happy")),
        (("id", "Label"), ("1", "Happy")),
        (("id", "filename", "label"), ("77", "1.wav", "Happy")),
        (("label", "file"), ("Happy", "audio/1.wav")),
    ],
)
def test_the_emotion_list_is_read_under_several_headings(
    tmp_path: Path, header: tuple[str, ...], row: tuple[str, ...]
) -> None:
    audio = tmp_path / "Audio_Files" / "1.wav"
    audio.parent.mkdir()
    audio.touch()
    path = write_csv(tmp_path / "Train.csv", header, [row])

    (clip,) = read_emotion_list(path)

    assert clip.source == AudioFile(audio)
    assert (clip.label, clip.data_set, clip.split) == ("happy", "musical-emotions", "train")


def test_each_file_of_the_emotion_list_is_its_own_group(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "Train.csv", ("ImageID", "Class"), [("1.wav", "Happy"), ("2.wav", "Sad")]
    )

    clips = read_emotion_list(path)

    assert [clip.label for clip in clips] == ["happy", "sad"]
    assert len({clip.group for clip in clips}) == 2


def test_a_listed_file_that_is_not_there_is_left_to_be_reported(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "Train.csv", ("ImageID", "Class"), [("1.wav", "Happy")])
    assert read_emotion_list(path)[0].source.name == str(tmp_path / "1.wav")


def test_other_emotions_are_left_out(tmp_path: Path) -> None:
    path = write_csv(
        tmp_path / "Train.csv", ("ImageID", "Class"), [("1.wav", "Angry"), ("2.wav", "Sad")]
    )
    assert [clip.label for clip in read_emotion_list(path)] == ["sad"]


@pytest.mark.parametrize(
    ("header", "rows", "message"),
    [
        (("ImageID", "Class"), [], "is empty"),
        (("picture", "Class"), [("1.wav", "Happy")], "none of the columns imageid, file"),
        (("ImageID", "word"), [("1.wav", "Happy")], "none of the columns class, label"),
    ],
)
def test_an_emotion_list_that_cannot_be_read_says_why(
    tmp_path: Path, header: tuple[str, ...], rows: list[tuple[str, ...]], message: str
) -> None:
    with pytest.raises(TrainingError, match=message):
        read_emotion_list(write_csv(tmp_path / "Train.csv", header, rows))


@pytest.mark.parametrize(("separator", "word"), [(";", "semicolons"), ("\t", "tabs")])
def test_other_separators_are_named(tmp_path: Path, separator: str, word: str) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(separator.join(("file", "genre")), "utf-8")
    with pytest.raises(TrainingError, match=f"separates its columns by {word}; write commas"):
        read_manifest(file, "genre")
