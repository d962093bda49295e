from pathlib import Path

import numpy as np
import pytest

from tests.training.data.readers.pictures import random_levels
from tests.training.made import write_csv
from training.data.readers import AudioFile, SpectrogramImage, StoredGrid, read_data_set
from training.errors import TrainingError


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def write_grids(path: Path, names: tuple[str, ...]) -> Path:
    np.savez(
        path,
        mel=np.stack([random_levels(seed) for seed in range(len(names))]),
        name=np.array(names),
        genre=np.array([name.split(".")[0] for name in names]),
    )
    return path


def write_collection(folder: Path) -> Path:
    for task, labels in (("genre", ("jazz", "blues")), ("chord", ("Am",)), ("emotion", ("sad",))):
        rows = [(f"music/{label}.00001.opus", label) for label in labels]
        write_csv(folder / f"{task}.csv", ("file", task), rows)
    return folder


@pytest.mark.parametrize(("task", "labels"), [("chord", ["Am"]), ("emotion", ["sad"])])
def test_a_csv_of_any_name_is_a_list_of_files(tmp_path: Path, task: str, labels: list[str]) -> None:
    path = write_csv(tmp_path / "mine.csv", ("file", task), [("a.wav", labels[0])])

    clips = read_data_set(path, task)

    assert [clip.label for clip in clips] == labels
    assert clips[0].source == AudioFile(tmp_path / "a.wav")


def test_an_npz_is_an_archive_of_grids(tmp_path: Path) -> None:
    path = write_grids(tmp_path / "mine.npz", ("jazz.00000",))
    (clip,) = read_data_set(path, "genre")
    assert clip.source == StoredGrid(path, 0, "jazz.00000")


@pytest.mark.parametrize(
    ("task", "labels"), [("genre", ["jazz", "blues"]), ("chord", ["Am"]), ("emotion", ["sad"])]
)
def test_a_collection_has_a_list_for_each_task(
    tmp_path: Path, task: str, labels: list[str]
) -> None:
    assert [clip.label for clip in read_data_set(write_collection(tmp_path), task)] == labels


def test_a_collection_is_read_as_audio_where_no_pictures_are_wanted(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write_grids(tmp_path / "gtzan_mel.npz", ("jazz.00001", "rock.00005"))

    clips = read_data_set(tmp_path, "genre")

    assert [(type(clip.source), clip.label) for clip in clips] == [
        (AudioFile, "jazz"),
        (AudioFile, "blues"),
    ]


def test_with_pictures_a_clip_that_has_a_grid_is_taken_once_as_a_grid(tmp_path: Path) -> None:
    write_collection(tmp_path)
    write_grids(tmp_path / "gtzan_mel.npz", ("jazz.00001", "rock.00005"))

    clips = read_data_set(tmp_path, "genre", pictures=True)

    assert [(type(clip.source), clip.label) for clip in clips] == [
        (StoredGrid, "jazz"),
        (StoredGrid, "rock"),
        (AudioFile, "blues"),
    ]


def test_a_collection_without_grids_is_read_as_audio_though_pictures_are_wanted(
    tmp_path: Path,
) -> None:
    clips = read_data_set(write_collection(tmp_path), "genre", pictures=True)
    assert [(type(clip.source), clip.label) for clip in clips] == [
        (AudioFile, "jazz"),
        (AudioFile, "blues"),
    ]


@pytest.mark.parametrize("pictures", [False, True])
def test_grids_of_genres_do_not_change_the_other_tasks(tmp_path: Path, pictures: bool) -> None:
    write_collection(tmp_path)
    write_grids(tmp_path / "gtzan_mel.npz", ("jazz.00001",))
    clips = read_data_set(tmp_path, "emotion", pictures=pictures)
    assert [clip.label for clip in clips] == ["sad"]


@pytest.mark.parametrize("pictures", [False, True])
def test_a_folder_may_hold_grids_alone(tmp_path: Path, pictures: bool) -> None:
    write_grids(tmp_path / "gtzan_mel.npz", ("jazz.00001",))
    (clip,) = read_data_set(tmp_path, "genre", pictures=pictures)
    assert clip.source == StoredGrid(tmp_path / "gtzan_mel.npz", 0, "jazz.00001")


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("genres_original/jazz/jazz.00003.wav", AudioFile),
        ("images_original/jazz/jazz00003.png", SpectrogramImage),
    ],
)
def test_gtzan_is_known_by_the_folders_of_its_publication(
    tmp_path: Path, file: str, source: type
) -> None:
    touch(tmp_path / file)

    (clip,) = read_data_set(tmp_path, "genre")

    assert isinstance(clip.source, source)
    assert clip.label == "jazz"


@pytest.mark.parametrize(
    ("files", "source"),
    [
        (("blues/blues.00000.wav", "jazz/jazz.00003.wav"), AudioFile),
        (("blues/blues00000.png", "jazz/jazz00003.png"), SpectrogramImage),
    ],
)
def test_gtzan_is_known_from_inside_its_folder(
    tmp_path: Path, files: tuple[str, ...], source: type
) -> None:
    for file in files:
        touch(tmp_path / file)

    clips = read_data_set(tmp_path, "genre")

    assert [clip.label for clip in clips] == ["blues", "jazz"]
    assert {type(clip.source) for clip in clips} == {source}


def test_audio_of_gtzan_is_preferred_to_its_pictures(tmp_path: Path) -> None:
    touch(tmp_path / "genres_original/jazz/jazz.00003.wav")
    touch(tmp_path / "images_original/jazz/jazz00003.png")
    assert [type(c.source) for c in read_data_set(tmp_path, "genre")] == [AudioFile]


def test_guitar_chords_v3_is_known_by_its_halves(tmp_path: Path) -> None:
    touch(tmp_path / "Training" / "Bb" / "Bb_Classic_Jo_1.wav")
    assert [clip.label for clip in read_data_set(tmp_path, "chord")] == ["Bb"]


@pytest.mark.parametrize("given", ["folder", "file"])
def test_musical_emotions_is_known_by_its_list(tmp_path: Path, given: str) -> None:
    path = write_csv(tmp_path / "Train.csv", ("ImageID", "Class"), [("1.wav", "Happy")])
    (clip,) = read_data_set(tmp_path if given == "folder" else path, "emotion")
    assert (clip.label, clip.data_set) == ("happy", "musical-emotions")


@pytest.mark.parametrize("task", ["genre", "chord", "emotion"])
def test_an_unknown_layout_says_what_to_give_instead(tmp_path: Path, task: str) -> None:
    touch(tmp_path / "some" / "thing.wav")
    with pytest.raises(TrainingError) as raised:
        read_data_set(tmp_path, task)

    message = str(raised.value)
    assert str(tmp_path) in message
    assert f"CSV with the columns 'file' and '{task}'" in message
    assert ".npz" in message
    assert "python -m training prepare --help" in message


def test_a_data_set_of_another_task_is_an_unknown_layout(tmp_path: Path) -> None:
    touch(tmp_path / "Training" / "Bb" / "Bb_Classic_Jo_1.wav")
    with pytest.raises(TrainingError, match="unknown for the task genre"):
        read_data_set(tmp_path, "genre")


def test_folders_of_other_labels_are_named_beside_those_that_are_known(tmp_path: Path) -> None:
    for label in ("calm", "angry"):
        touch(tmp_path / "mine" / label / "a.wav")
    with pytest.raises(TrainingError, match=r"named angry, calm, not blues, .* any other name"):
        read_data_set(tmp_path / "mine", "genre")


def test_folders_that_are_left_out_beside_others_are_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("rock/a.wav", "rock/b.wav", "Electronic/a.wav", "Electronic/b.wav"):
        touch(tmp_path / "mine" / name)
    assert {clip.label for clip in read_data_set(tmp_path / "mine", "genre")} == {"rock"}
    assert "mine: left out, not of the vocabulary of genre: 2 Electronic" in caplog.text


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"nowhere\.csv does not exist"):
        read_data_set(tmp_path / "nowhere.csv", "genre")


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"list\.json is neither"):
        read_data_set(touch(tmp_path / "list.json"), "genre")


@pytest.mark.parametrize("task", ["genre", "chord", "emotion"])
@pytest.mark.parametrize("name", ["list.csv", "Train.csv", "grids.npz"])
def test_a_file_of_something_else_is_refused_by_name(tmp_path: Path, task: str, name: str) -> None:
    (tmp_path / name).write_bytes(b"\xff\xfe\x00\x01 neither text nor archive")
    with pytest.raises(TrainingError, match=name.replace(".", r"\.")):
        read_data_set(tmp_path / name, task)


def test_a_data_set_without_a_clip_of_the_task_is_refused(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "list.csv", ("file", "genre"), [("a.wav", "polka")])
    with pytest.raises(TrainingError, match="no clip with a label of genre"):
        read_data_set(path, "genre")


def test_the_labels_of_ones_own_task_are_the_names_of_folders(tmp_path: Path) -> None:
    for name in ("Flute/jo/1.wav", "Flute/2.mp3", "violin/bo/1.flac", "violin/notes.txt", "3.wav"):
        touch(tmp_path / name)

    clips = read_data_set(tmp_path, "instrument")

    assert [(clip.label, clip.group) for clip in clips] == [
        ("Flute", "file:Flute/2.mp3"),
        ("Flute", "jo"),
        ("violin", "bo"),
    ]


def test_the_labels_of_ones_own_task_are_a_column_of_its_name(tmp_path: Path) -> None:
    rows = [("a.wav", " Alto sax ", "jo"), ("b.wav", "", "bo")]
    write_csv(tmp_path / "instrument.csv", ("file", "instrument", "group"), rows)

    (clip,) = read_data_set(tmp_path, "instrument")

    assert (clip.label, clip.group) == ("Alto sax", "jo")


def test_a_folder_without_labels_of_ones_own_task_says_what_it_wants(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"neither tempo\.csv nor folders of audio"):
        read_data_set(tmp_path, "tempo")


def test_folders_named_after_genres_are_songs_of_ones_own(tmp_path: Path) -> None:
    for name in ("Hip-Hop/a.mp3", "jazz/b.mp3", "folk/c.mp3"):
        touch(tmp_path / name)

    known = read_data_set(tmp_path, "genre")
    written = read_data_set(tmp_path, "genre", as_written=True)

    assert [clip.label for clip in known] == ["hiphop", "jazz"]
    assert [clip.label for clip in written] == ["Hip-Hop", "folk", "jazz"]
