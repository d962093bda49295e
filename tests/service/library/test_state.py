import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from service.library.database import forget
from service.library.listing import Listed
from service.library.problems import LibraryError
from service.library.question import Models, Outcome, Question, TaskModel, who_answers
from service.library.state import PART_ROWS, State
from service.schemas import AllAnswers, AudioInfo, ModelRef, TaskResult

PAGE_BYTES = 4096
QUESTION = Question(tasks=("genre",))
REF = ModelRef(name="genre", version="1.0.0", sha256="ab")


def models(version: str = "1.0.0", labels: tuple[str, ...] = ("jazz", "rock")) -> Models:
    ref = REF.model_copy(update={"version": version})
    return {"genre": TaskModel(ref=ref, labels=list(labels), ratings=[], lab_labels=None)}


def answers(label: str = "rock", version: str = "1.0.0") -> AllAnswers:
    result = TaskResult(
        task="genre",
        label=label,
        confidence=1.0,
        probabilities={label: 1.0},
        uncertain=False,
        model=REF.model_copy(update={"version": version}),
    )
    audio = AudioInfo(duration_s=1, sample_rate_hz=8000, channels=1, format="wav", warnings=[])
    return AllAnswers(audio=audio, results={"genre": result})


def listed(*names: str, size: int = 10, modified: int = 1) -> list[Listed]:
    return [Listed(name, name, size + n, modified) for n, name in enumerate(names)]


def begin(state: State, files: list[Listed], *, version: str = "1.0.0") -> None:
    state.begin(QUESTION, models(version))
    state.list(files, lambda: None)


def keep(state: State, *outcomes: Outcome) -> None:
    state.keep(outcomes, lambda _: None)


def unanswered(state: State, version: str = "1.0.0", *, redo_models: bool = False) -> list[str]:
    count, files = state.unanswered(who_answers(models(version)), redo_models=redo_models)
    found = list(files)
    assert len(found) == count
    return found


@pytest.fixture
def state(tmp_path: Path) -> Iterator[State]:
    with closing(State(tmp_path / "state")) as opened:
        yield opened


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch) -> list[sqlite3.Connection]:
    """The connections that are opened during a test."""
    opened: list[sqlite3.Connection] = []

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(sqlite3.Connection(*arguments, **options))
        return opened[-1]

    monkeypatch.setattr(sqlite3, "connect", connect)
    return opened


def test_what_was_answered_is_there_for_the_next_command(tmp_path: Path) -> None:
    with closing(State(tmp_path / "state")) as state:
        begin(state, listed("a", "b"))
        keep(state, Outcome("a", "aa", answers()))

    with closing(State(tmp_path / "state")) as state:
        begin(state, listed("a", "b"))
        assert unanswered(state) == ["b"]
        (a, b) = state.rows()

    assert a.answers == answers()
    assert (a.sha256, b.answers) == ("aa", None)


def test_files_of_one_size_are_hashed_and_one_of_each_content_is_classified(state: State) -> None:
    begin(state, [*listed("a"), *listed("b"), *listed("c"), *listed("d", size=99)])

    count, files = state.unhashed()
    assert (count, list(files)) == (3, ["a", "b", "c"])
    keep(state, Outcome("a", "11"), Outcome("b", "22"), Outcome("c", "11"))

    assert unanswered(state) == ["a", "b", "d"]
    keep(state, Outcome("a", "11", answers("jazz")))
    assert [row.answers for row in state.rows()] == [answers("jazz"), None, answers("jazz"), None]
    assert unanswered(state) == ["b", "d"]


def test_the_problem_of_a_content_is_that_of_all_its_files(state: State) -> None:
    begin(state, [*listed("a"), *listed("b")])
    keep(state, Outcome("a", "11"), Outcome("b", "11"))

    keep(state, Outcome("a", "11", slug="unusable-audio", detail="broken"))

    assert [(row.slug, row.detail) for row in state.rows()] == [("unusable-audio", "broken")] * 2
    assert unanswered(state) == []


def test_problems_are_done_again_on_request_only(state: State) -> None:
    begin(state, listed("a"))
    keep(state, Outcome("a", slug="unreadable-file", detail="gone"))
    begin(state, listed("a"))
    assert unanswered(state) == []

    state.redo_problems()

    assert unanswered(state) == ["a"]


def test_a_changed_file_is_told_and_hashed_again_on_request_only(state: State) -> None:
    begin(state, listed("a"))
    keep(state, Outcome("a", "11", answers()))
    begin(state, listed("a", modified=2))
    who = who_answers(models())
    assert state.counts(who).changed == 1
    assert unanswered(state) == []

    state.redo_changed()

    assert list(state.unhashed()[1]) == ["a"]
    keep(state, Outcome("a", "11"))  # only its time had changed
    assert unanswered(state) == []
    assert state.counts(who).changed == 0


def test_answers_of_other_models_are_told_and_replaced_on_request_only(state: State) -> None:
    begin(state, listed("a"))
    keep(state, Outcome("a", "11", answers()))
    begin(state, listed("a"), version="2.0.0")
    assert state.counts(who_answers(models("2.0.0"))).by_other_models == 1
    assert unanswered(state, "2.0.0") == []

    assert unanswered(state, "2.0.0", redo_models=True) == ["a"]
    keep(state, Outcome("a", "11", answers("jazz", "2.0.0")))

    assert unanswered(state, "2.0.0", redo_models=True) == []
    assert next(state.rows()).answers == answers("jazz", "2.0.0")


def test_a_new_model_keeps_the_labels_of_the_one_before(state: State) -> None:
    state.begin(QUESTION, models(labels=("jazz", "rock")))

    known = state.begin(QUESTION, models("2.0.0", ("pop", "rock")))

    assert known["genre"].labels == ["pop", "rock", "jazz"]
    assert known["genre"].ref.version == "2.0.0"


def test_another_question_is_refused(state: State) -> None:
    begin(state, listed("a"))
    keep(state, Outcome("a", "11", answers()))

    with pytest.raises(LibraryError, match="another question"):
        state.begin(QUESTION.model_copy(update={"top_k": 3}), models())


def test_a_question_that_nothing_was_answered_to_may_be_another(state: State) -> None:
    begin(state, listed("a"))

    state.begin(QUESTION.model_copy(update={"top_k": 3}), models())
    keep(state, Outcome("a", "11", answers()))
    with pytest.raises(LibraryError, match="another question"):
        state.begin(QUESTION, models())


def test_files_that_were_too_large_are_done_again_with_more_allowed(state: State) -> None:
    begin(state, listed("a", "b"))
    keep(state, Outcome("a", slug="too-many-bytes", detail="large"), Outcome("b", "22", answers()))

    more = {"max_bytes": 2 * QUESTION.max_bytes, "max_duration_s": 2 * QUESTION.max_duration_s}
    state.begin(QUESTION.model_copy(update=more), models())
    state.list(listed("a", "b"), lambda: None)
    state.redo_problems()

    assert unanswered(state) == ["a"]


def test_a_file_named_twice_counts_once_and_rows_keep_the_order(state: State) -> None:
    begin(state, [*listed("z"), *listed("a"), *listed("z")])

    assert [row.file for row in state.rows()] == ["z", "a"]


def test_files_of_an_earlier_run_are_not_in_the_table(state: State) -> None:
    begin(state, listed("a", "b"))
    begin(state, listed("b"))

    assert [row.file for row in state.rows()] == ["b"]


def test_names_that_are_no_text_are_kept(state: State) -> None:
    name = b"caf\xe9.mp3".decode("utf-8", "surrogateescape")
    begin(state, listed(name))

    assert unanswered(state) == [name]


def test_outcomes_are_kept_in_parts_as_they_come(tmp_path: Path) -> None:
    names = [f"{n}" for n in range(PART_ROWS + 5)]
    path, left = tmp_path / "state", tmp_path / "left"
    left.mkdir()

    def work() -> Iterator[Outcome]:
        yield from (Outcome(name, name, answers()) for name in names)
        # What would be left, were this process killed now.
        for file in tmp_path.glob("state*"):
            shutil.copy(file, left)

    with closing(State(path)) as state:
        begin(state, listed(*names))
        state.keep(work(), lambda _: None)

    with closing(State(left / "state")) as state:
        begin(state, listed(*names))
        assert len(unanswered(state)) == 5


def test_what_came_before_the_work_broke_off_is_kept(state: State) -> None:
    def work() -> Iterator[Outcome]:
        yield Outcome("a", "11", answers())
        raise KeyboardInterrupt

    begin(state, listed("a", "b"))
    with pytest.raises(KeyboardInterrupt):
        state.keep(work(), lambda _: None)

    assert unanswered(state) == ["b"]


def test_two_commands_do_not_share_a_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.library.database.BUSY_S", 0.01)
    with (
        closing(State(tmp_path / "state")),
        pytest.raises(LibraryError, match="Wait for the command"),
    ):
        State(tmp_path / "state")


def test_what_another_command_works_with_is_not_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.library.database.BUSY_S", 0.01)
    file = tmp_path / "state"
    with closing(State(file)) as state:
        begin(state, listed("a"))
        with pytest.raises(LibraryError, match="wait for it"):
            forget(file)

    with closing(State(file)) as state:
        assert state.counts("").files == 1


@pytest.mark.parametrize("content", [None, b"my diary " * 200])
def test_what_is_forgotten_is_gone_whatever_it_was(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "state").write_bytes(content)

    forget(tmp_path / "state")

    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_what_was_kept_before_stays(
    tmp_path: Path, connected: list[sqlite3.Connection]
) -> None:
    with closing(State(tmp_path / "state")) as state:
        begin(state, listed("a", "b"))
        keep(state, Outcome("a", "11", answers()))
        connected[0].execute("PRAGMA max_page_count = 1")
        with pytest.raises(LibraryError, match=r"disk is full.*the same command goes on"):
            state.list(listed(*(f"{n}.mp3" for n in range(1000))), lambda: None)

    with closing(State(tmp_path / "state")) as state:
        begin(state, listed("a", "b"))
        assert unanswered(state) == ["b"]


def test_a_damaged_state_is_told(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with closing(State(file)) as state:
        begin(state, listed(*(f"{n}.mp3" for n in range(1000))))
    data = bytearray(file.read_bytes())
    data[PAGE_BYTES:] = bytes(len(data) - PAGE_BYTES)  # all but the tables' names
    file.write_bytes(data)

    with pytest.raises(LibraryError, match=r"damaged.*--fresh"), closing(State(file)) as state:
        begin(state, listed("a.mp3"))


def test_a_state_that_was_cut_off_is_told_when_it_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "state"
    with closing(State(file)) as state:
        begin(state, listed("a"))
    file.write_bytes(file.read_bytes()[: 2 * PAGE_BYTES])

    with pytest.raises(LibraryError, match=r"malformed.*--fresh"):
        State(file)


def test_a_file_that_is_no_state_is_left_alone_and_closed(
    tmp_path: Path, connected: list[sqlite3.Connection]
) -> None:
    file = tmp_path / "state"
    file.write_text("my diary " * 200)

    with pytest.raises(LibraryError, match=r"cannot be used.*Remove it"):
        State(file)
    assert file.read_text() == "my diary " * 200
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connected[0].execute("SELECT 1")


@pytest.mark.parametrize(
    ("other", "shares"),
    [("b/song.wav", True), ("b/song.live.mp3", False), ("b/song.d/x", False), ("song.mp3", False)],
)
def test_files_that_differ_in_their_ending_only_are_noticed(
    state: State, other: str, shares: bool
) -> None:
    begin(state, listed("b/song.mp3", other))

    assert state.shares_stem("b/song.mp3") is shares
