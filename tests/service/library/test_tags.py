import os
from contextlib import closing
from pathlib import Path

import mutagen
import pytest

from service.audio.files import is_audio_name
from service.library.question import Question
from service.library.run import Order, run
from service.library.state import Row, State
from service.library.tagging import tag_files
from service.library.tags import TagRules, Untaggable, missing_tags, tags_of, write_tags
from service.schemas import AllAnswers, AudioInfo, ModelRef, TaskResult
from tests.audio import ENCODINGS, MUXINGS, encode_as, mux, tone
from tests.service.library.libraries import InlineEngine, write_song

# By their endings, with the name that players know the genre by.
FORMATS = {
    "mp3": "TCON",
    "flac": "genre",
    "ogg": "genre",
    "opus": "genre",
    "aiff": "TCON",
    "wav": "TCON",
    "m4a": "\xa9gen",
    "wma": "WM/Genre",
    "wavpack": "genre",
    "tta": "TCON",
}
TAGS = {"genre": ["rock", "metal"], "mood": ["happy"], "energy": ["0.75"]}


def encoded(name: str) -> bytes:
    if name in ENCODINGS:
        return encode_as(name, tone(440, 1.0))
    return mux(tone(440, 1.0), MUXINGS[name][1])


def result(task: str, probabilities: dict[str, float], **values: object) -> TaskResult:
    label, confidence = next(iter(probabilities.items()))
    return TaskResult(
        task=task,
        label=label,
        confidence=confidence,
        probabilities=probabilities,
        model=ModelRef(name=task, version="1", sha256="ab"),
        **{"uncertain": False, **values},
    )


def row(*results: TaskResult) -> Row:
    audio = AudioInfo(duration_s=1, sample_rate_hz=8000, channels=1, format="wav", warnings=[])
    answers = AllAnswers(audio=audio, results={r.task: r for r in results})
    return Row("a", "a", 1, 1, "ab", None, None, answers)


GENRE = result("genre", {"rock": 0.6, "metal": 0.3, "pop": 0.1})
EMOTION = result("emotion", {"happy": 0.8, "sad": 0.2}, ratings={"energy": 0.75})


def test_tags_are_the_most_probable_genres_and_the_mood_with_its_energy() -> None:
    rules = TagRules(genres=2, min_confidence=0.25)

    assert tags_of(row(GENRE, EMOTION), rules) == TAGS


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (TagRules(genres=1, min_confidence=0.2), ["rock"]),
        (TagRules(genres=3, min_confidence=0.2), ["rock", "metal"]),
        (TagRules(genres=3, min_confidence=0.7), None),
    ],
)
def test_no_more_genres_and_none_less_probable_than_allowed(
    rules: TagRules, expected: list[str] | None
) -> None:
    assert tags_of(row(GENRE), rules).get("genre") == expected


def test_uncertain_answers_are_no_tags() -> None:
    uncertain = {"uncertain": True}
    rules = TagRules(min_confidence=0)

    assert tags_of(row(GENRE.model_copy(update=uncertain)), rules) == {}
    assert tags_of(row(EMOTION.model_copy(update=uncertain)), rules) == {}


@pytest.mark.parametrize("name", FORMATS)
def test_tags_are_written_and_found_again_in_every_format(tmp_path: Path, name: str) -> None:
    file = tmp_path / f"song.{name}"
    file.write_bytes(encoded(name))
    rules = TagRules()
    assert missing_tags(str(file), TAGS, rules) == TAGS

    write_tags(str(file), TAGS)

    assert missing_tags(str(file), TAGS, rules) == {}
    assert list(tmp_path.iterdir()) == [file]
    opened = mutagen.File(file)
    assert opened.info.length == pytest.approx(1, abs=0.1)
    assert list(map(str, opened[FORMATS[name]])) == ["rock", "metal"]


def test_tags_that_are_there_are_kept_unless_told_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "song.flac"
    file.write_bytes(encode_as("flac", tone(440, 1.0)))
    write_tags(str(file), {"genre": ["polka"]})

    assert missing_tags(str(file), TAGS, TagRules()) == {
        "mood": ["happy"],
        "energy": ["0.75"],
    }
    assert missing_tags(str(file), TAGS, TagRules(overwrite=True)) == TAGS


@pytest.mark.parametrize("places", [[40], [4, 40]])
def test_a_stream_that_does_not_tell_its_length_is_left_as_it_is(
    tmp_path: Path, places: list[int]
) -> None:
    song = write_song(tmp_path / "song.wav")
    streamed = bytearray(song.read_bytes())
    for place in places:
        streamed[place : place + 4] = b"\xff" * 4
    song.write_bytes(streamed)

    with pytest.raises(Untaggable, match=r"song\.wav keeps no tags"):
        write_tags(str(song), TAGS)
    assert song.read_bytes() == streamed
    assert list(tmp_path.iterdir()) == [song]


def test_a_linked_file_is_written_where_it_lies(tmp_path: Path) -> None:
    file = tmp_path / "song.flac"
    file.write_bytes(encode_as("flac", tone(440, 1.0)))
    link = tmp_path / "link.flac"
    link.symlink_to(file)

    assert write_tags(str(link), TAGS) == file.resolve()
    assert link.is_symlink()
    assert missing_tags(str(file), TAGS, TagRules()) == {}


def test_tagging_that_is_interrupted_leaves_the_file_alone_in_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    song = write_song(tmp_path / "song.wav")
    before = song.read_bytes()
    beside: list[list[Path]] = []

    def interrupted(_: object) -> None:
        beside.append(list(tmp_path.iterdir()))
        raise KeyboardInterrupt

    monkeypatch.setattr("mutagen.wave.WAVE.save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_tags(str(song), TAGS)

    assert list(tmp_path.iterdir()) == [song]
    assert song.read_bytes() == before
    # Nor would what a killed command leaves be listed.
    assert [file for file in beside[0] if is_audio_name(file.name)] == [song]


@pytest.mark.parametrize(
    "file", ["s3://bucket/a.mp3", "none.mp3", "text.mp3", "song.aac", "song.ac3", "song.webm"]
)
def test_what_cannot_be_tagged_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.mp3").write_text("no music")
    if file.startswith("song."):
        Path(file).write_bytes(encoded(Path(file).suffix[1:]))

    with pytest.raises(Untaggable):
        missing_tags(file, TAGS, TagRules())


def test_files_are_tagged_only_when_told_to_and_have_not_changed_for_the_next_run(
    models_dir: Path, tmp_path: Path
) -> None:
    song = write_song(tmp_path / "music" / "a.wav", "rock")
    before = song.read_bytes()
    engine = InlineEngine(models_dir, ["genre"])
    order = Order((str(song.parent),), tmp_path / "out.csv", Question(tasks=("genre",)))
    told: list[str] = []
    with closing(State(tmp_path / "state")) as state:
        run(order, state, engine)
        tag_files(state, TagRules(), told.append, really=False)
        assert song.read_bytes() == before
        assert told == [
            f"{song}: genre rock\n",
            "tags of 1 files to be written; --yes writes them\n",
        ]

        tag_files(state, TagRules(), told.append, really=True)
        assert missing_tags(str(song), {"genre": ["rock"]}, TagRules()) == {}
        assert told[-1] == "tags of 1 files written\n"

        counts = run(order, state, engine)

    assert counts.changed == 0
    assert engine.classified == [str(song)]


def test_no_tag_is_written_to_a_file_that_has_them_all(models_dir: Path, tmp_path: Path) -> None:
    song = write_song(tmp_path / "music" / "a.wav", "rock")
    write_tags(str(song), {"genre": ["polka"]})
    before = song.read_bytes()
    order = Order((str(song.parent),), tmp_path / "out.csv", Question(tasks=("genre",)))
    told: list[str] = []
    with closing(State(tmp_path / "state")) as state:
        run(order, state, InlineEngine(models_dir, ["genre"]))
        tag_files(state, TagRules(), told.append, really=True)

    assert song.read_bytes() == before
    assert told == ["tags of 0 files written\n"]


def test_a_name_that_is_no_text_is_spelled_out_where_no_tag_can_be_written(
    models_dir: Path, tmp_path: Path
) -> None:
    song = write_song(tmp_path / os.fsdecode(b"caf\xe9.wav"), "rock")
    order = Order((str(song),), tmp_path / "out.csv", Question(tasks=("genre",)))
    told: list[str] = []
    with closing(State(tmp_path / "state")) as state:
        run(order, state, InlineEngine(models_dir, ["genre"]))
        song.write_text("no music any more")
        tag_files(state, TagRules(), told.append, really=False)

    assert told[0].startswith(f"{tmp_path}/caf\\xe9.wav has no tags that can be read")
