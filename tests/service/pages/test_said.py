"""The modules that say in few words what was heard, evaluated in a browser."""

import pytest
from playwright.sync_api import Page

from tests.service.pages.conftest import module


@pytest.mark.parametrize(
    ("uncertain", "chords", "doubted"),
    [(True, ["Am"], True), (True, ["Am", "C"], False), (False, ["Am"], False), (True, None, True)],
)
def test_that_a_song_has_many_chords_is_no_reason_for_doubt(
    modules: Page, uncertain: bool, chords: list[str] | None, doubted: bool
) -> None:
    answer = {"uncertain": uncertain} | ({"chords": chords} if chords else {})
    assert module(modules, "music/said.js", "m.doubtful(argument)", answer) is doubted


@pytest.mark.parametrize(
    ("chords", "named"),
    [
        (None, "F"),
        ([("F", 1.0)], "F"),
        ([("A", 0.4), ("F", 0.35), ("N", 0.25)], "A"),
        ([("N", 0.7), ("F", 0.3)], "F"),
    ],
)
def test_of_several_chords_the_one_of_the_largest_share_is_named(
    modules: Page, chords: list[tuple[str, float]] | None, named: str
) -> None:
    answer: dict[str, object] = {"label": "F"}
    if chords:
        answer["chords"] = [{"label": label, "share": share} for label, share in chords]
    assert module(modules, "music/said.js", "m.named(argument)", answer) == named
    assert module(modules, "music/said.js", "m.inShort(argument)", answer) == named


def test_live_listening_names_what_is_no_music_instead_of_a_guess(modules: Page) -> None:
    guess = {"label": "rock", "confidence": 0.3, "uncertain": True}
    silence = guess | {"heard_instead": "silence"}
    answer = {
        "now": {"chord": silence | {"label": "N"}, "genre": silence},
        "so_far": {"chord": guess | {"label": "Am"}, "genre": guess | {"heard_instead": "speech"}},
    }
    shown = module(
        modules,
        "live/readout.js",
        "(() => { const it = m.readout(); it.show(argument); return it.element.textContent; })()",
        answer,
    )
    assert shown == "Now: silenceGenresilenceSo farChordsAm? 30 %Genrespeech"
    summary = module(modules, "live/readout.js", "m.summary(argument)", answer)
    assert summary == "Now silence. So far: Chords Am?, Genre speech."


def test_a_mixture_of_two_chords_is_none_that_passed(modules: Page) -> None:
    heard = [(0.3, "N"), (0.4, "C"), (2.4, "Cmaj7"), (2.5, "C"), (4.4, "Cmaj7"), (4.6, "G")]
    answers = [
        {"heard_s": heard_s, "now": {"chord": {"label": label}}, "so_far": {}}
        for heard_s, label in [*heard, (6.4, "Am"), (8.5, "Am")]
    ]
    shown = module(
        modules,
        "live/readout.js",
        """(() => {
            const it = m.readout();
            argument.forEach(it.show);
            return [...it.element.querySelectorAll("li")].map((chord) => chord.textContent);
        })()""",
        answers,
    )
    assert shown == ["G", "C"]
