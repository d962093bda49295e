import pytest

from service.audio.excerpt import Excerpt
from service.errors import InvalidRequest
from service.routes.options import Options, option_schemas


def read(query: str) -> Options:
    return Options.read([(n, v) for n, _, v in (p.partition("=") for p in query.split("&"))])


def test_what_is_not_told_has_its_default() -> None:
    options = Options.read([])
    assert options == Options()
    assert options.excerpt is None


def test_options_are_read_from_text() -> None:
    options = read("timeline=true&top_k=3&start_s=1.5&duration_s=2&format=lab")
    assert options == Options(timeline=True, top_k=3, start_s=1.5, duration_s=2.0, format="lab")
    assert options.excerpt == Excerpt(1.5, 2.0)


@pytest.mark.parametrize(
    ("query", "excerpt"), [("start_s=1.5", Excerpt(1.5)), ("duration_s=2", Excerpt(0.0, 2.0))]
)
def test_either_end_makes_an_excerpt(query: str, excerpt: Excerpt) -> None:
    assert read(query).excerpt == excerpt


def test_from_the_beginning_to_the_end_is_no_excerpt() -> None:
    assert read("start_s=0").excerpt is None


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("topk", "top_k"),
        ("top-k", "top_k"),
        ("Top_K", "top_k"),
        ("time_line", "timeline"),
        ("fmt", "format"),
        ("start", "start_s"),
    ],
)
def test_an_unknown_name_is_told_with_the_nearest(name: str, near: str) -> None:
    with pytest.raises(InvalidRequest, match=f"'{name}'. Did you mean '{near}'?"):
        read(f"{name}=1")


def test_an_unknown_name_that_is_like_no_other_is_told_with_all() -> None:
    with pytest.raises(InvalidRequest, match=r"'lyrics'\. Known are timeline, top_k, "):
        read("lyrics=la")


@pytest.mark.parametrize(
    "told",
    [
        "top_k=0",
        "top_k=many",
        "top_k=",
        "timeline=perhaps",
        "start_s=-1",
        "start_s=nan",
        "start_s=1e300",
        "duration_s=0",
        "duration_s=inf",
        "format=xml",
    ],
)
def test_a_value_that_does_not_fit_is_told_with_its_name(told: str) -> None:
    with pytest.raises(InvalidRequest, match=f"^{told}: "):
        read(told)


def test_a_message_shows_only_the_beginning_of_what_a_stranger_wrote() -> None:
    for told in ("x" * 10_000 + "=1", "top_k=" + "9" * 10_000):
        with pytest.raises(InvalidRequest) as caught:
            read(told)
        assert len(caught.value.detail) < 300


def test_what_is_told_twice_must_be_the_same() -> None:
    assert read("top_k=3&top_k=3").top_k == 3
    with pytest.raises(InvalidRequest, match="top_k is told twice"):
        read("top_k=3&top_k=4")


def test_options_of_two_places_are_joined() -> None:
    joined = read("timeline=true&top_k=3").joined(read("top_k=3&start_s=1"))
    assert joined == Options(timeline=True, top_k=3, start_s=1.0)
    assert joined.model_fields_set == {"timeline", "top_k", "start_s"}


def test_the_same_in_other_words_is_no_contradiction() -> None:
    assert read("timeline=true").joined(read("timeline=1")).timeline


@pytest.mark.parametrize(
    ("one", "other"), [("top_k=3", "top_k=4"), ("timeline=true", "timeline=false")]
)
def test_options_of_two_places_that_differ_are_refused(one: str, other: str) -> None:
    with pytest.raises(InvalidRequest, match="told twice, and differently"):
        read(one).joined(read(other))


def test_every_option_is_described_as_clients_may_write_it() -> None:
    schemas = option_schemas()
    assert set(schemas) == set(Options.model_fields)
    for schema in schemas.values():
        assert schema["description"]
        assert schema["type"] in {"boolean", "integer", "number", "string"}
    assert schemas["top_k"]["minimum"] == 1
    assert schemas["format"]["enum"] == ["json", "lab"]
