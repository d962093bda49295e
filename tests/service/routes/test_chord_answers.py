"""What chords are answered with beside labels: segments, shares, a key, and .lab files."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path

import mir_eval
import numpy as np
import pytest
from starlette.testclient import TestClient

from service.audio.decode import Samples
from service.settings import Settings
from tests.audio import encode, tone
from tests.bundles import CHORDS, band_centre_hz, edit_card
from tests.service.routes.posting import CLIP, RATE_HZ, RAW, answer, post_file
from tests.service.serving import assert_problem, serve


@pytest.fixture(scope="module")
def chord_client(
    models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TestClient]:
    """A client of a service whose chord bundle joins segments and has .lab labels."""
    models = tmp_path_factory.mktemp("chords") / "models"
    shutil.copytree(models_dir, models)
    edit_card(
        models / "chord",
        lab_labels=["A:min", "C:maj", "F#:min", "N", "B:dim"],
        timeline={"change_probability": 0.1},
    )
    with serve(Settings(models_dir=models)) as client:
        yield client


def two_chords() -> bytes:
    halves = [tone(band_centre_hz(n, 5, 11_025), 2.0, rate_hz=RATE_HZ) for n in (0, 2)]
    return encode(np.concatenate(halves), RATE_HZ)


def test_the_timeline_of_a_bundle_that_joins_windows_has_one_segment_a_chord(
    chord_client: TestClient,
) -> None:
    body = answer(post_file(chord_client, "/classify/chord?timeline=true", two_chords()))
    assert [segment["label"] for segment in body["timeline"]] == ["Am", "F#m"]
    assert body["timeline"][0]["end_s"] == pytest.approx(2.0, abs=0.3)


@pytest.mark.parametrize(
    ("query", "headers"), [("?format=lab", {}), ("", {"accept": "text/plain"})]
)
def test_lab_is_the_timeline_in_the_notation_of_chord_tools(
    chord_client: TestClient, query: str, headers: dict[str, str]
) -> None:
    response = chord_client.post(
        f"/classify/chord{query}", content=two_chords(), headers={**RAW, **headers}
    )
    assert response.headers["content-type"].startswith("text/plain")
    lines = [line.split("\t") for line in response.text.splitlines()]
    assert [line[2] for line in lines] == ["A:min", "F#:min"]
    assert [float(lines[0][0]), float(lines[1][1])] == [0.0, 4.0]
    assert lines[0][1] == lines[1][0]


@pytest.mark.parametrize(
    "samples", [np.zeros(2_000, np.float32), *(tone(300, s, rate_hz=RATE_HZ) for s in (0.11, 9.1))]
)
def test_mir_eval_reads_any_lab_answer(chord_client: TestClient, samples: Samples) -> None:
    """Warnings are errors here, and mir_eval warns of what it cannot make sense of."""
    response = chord_client.post(
        "/classify/chord?format=lab", content=encode(samples, RATE_HZ), headers=RAW
    )
    intervals, names = mir_eval.io.load_labeled_intervals(io.StringIO(response.text))
    mir_eval.chord.validate(names, names)
    np.testing.assert_array_equal(intervals[1:, 0], intervals[:-1, 1])
    assert intervals[0, 0] == 0
    assert intervals[-1, 1] == pytest.approx(len(samples) / RATE_HZ, abs=5e-4)


@pytest.mark.parametrize("path", ["/classify/genre", "/classify"])
def test_lab_of_an_answer_without_it_is_refused(chord_client: TestClient, path: str) -> None:
    as_query = post_file(chord_client, f"{path}?format=lab")
    as_field = chord_client.post(path, files={"file": CLIP}, data={"format": "lab"})
    for response in (as_query, as_field):
        assert "no .lab form" in assert_problem(response, 422, "invalid-request")["detail"]


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("text/plain;q=0.1, application/json", "application/json"),
        ("application/json;q=0.5, text/plain", "text/plain"),
        ("text/*", "text/plain"),
        ("*/*", "application/json"),
        ("image/png", "application/json"),
    ],
)
def test_accept_chooses_between_json_and_lab_where_both_are(
    chord_client: TestClient, accept: str, media_type: str
) -> None:
    for path, expected in (("chord", media_type), ("genre", "application/json")):
        response = chord_client.post(
            f"/classify/{path}", content=two_chords(), headers={**RAW, "accept": accept}
        )
        assert response.headers["content-type"].startswith(expected)
    # What is asked for by name counts more.
    response = chord_client.post(
        "/classify/chord?format=json", content=two_chords(), headers={**RAW, "accept": accept}
    )
    assert response.headers["content-type"] == "application/json"


def test_a_chord_answer_tells_how_long_each_chord_sounds(chord_client: TestClient) -> None:
    nothing, chord = CHORDS.index("N"), 1
    parts = [
        tone(band_centre_hz(label, 5, 11_025), seconds, rate_hz=RATE_HZ)
        for label, seconds in ((nothing, 3.0), (chord, 1.0))
    ]
    data = encode(np.concatenate(parts), RATE_HZ)

    body = answer(post_file(chord_client, "/classify/chord?top_k=1", data))

    assert body["label"] == CHORDS[chord]
    assert list(body["probabilities"]) == [body["label"]]
    assert [share["label"] for share in body["chords"]] == ["N", CHORDS[chord]]
    assert body["chords"][0]["share"] == pytest.approx(0.75, abs=0.1)
    assert sum(share["share"] for share in body["chords"]) == pytest.approx(1)


def test_only_chords_come_with_shares_key_and_tuning(client: TestClient) -> None:
    assert not {"chords", "key", "tuning_cents"} & set(answer(post_file(client, "/classify/genre")))


def test_a_few_chords_have_no_key(chord_client: TestClient) -> None:
    body = answer(post_file(chord_client, "/classify/chord", two_chords()))
    assert "chords" in body
    assert "key" not in body


def test_an_excerpt_of_chords_is_a_lab_file_in_the_recordings_time(
    chord_client: TestClient,
) -> None:
    response = post_file(
        chord_client, "/classify/chord?format=lab&start_s=1&duration_s=2", two_chords()
    )
    lines = [line.split("\t") for line in response.text.splitlines()]
    assert (lines[0][0], lines[-1][1]) == ("1.000", "3.000")
