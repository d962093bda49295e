import re
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.intake.upload import MEDIA_TYPES
from service.routes.options import Options
from service.schemas import AllAnswers, TaskAnswer
from service.settings import Settings
from tests.bundles import CHORDS, EMOTIONS, GENRES, edit_card, write_bundle, write_models
from tests.server import ROOT
from tests.service.serving import serve, unstarted

LABELS = {"genre": GENRES, "chord": CHORDS, "emotion": EMOTIONS}
LAB_LABELS = ["A:min", "C:maj", "F#:min", "N", "B:dim"]

Operation = dict[str, Any]


def paths(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()["paths"]
    return found


def posting(client: TestClient, path: str) -> Operation:
    operation: Operation = paths(client)[path]["post"]
    return operation


@pytest.fixture(scope="module")
def chords(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder whose chord bundle has segments and .lab labels."""
    models = write_models(tmp_path_factory.mktemp("models"))
    timeline = {"change_probability": 0.1}
    edit_card(models / "chord", lab_labels=LAB_LABELS, timeline=timeline)
    return models


@pytest.fixture(params=["loading", "ready"])
def either(request: pytest.FixtureRequest, chords: Path) -> Any:
    """A client of a service whose models still load, and of one that is ready."""
    settings = Settings(models_dir=chords)
    if request.param == "loading":
        yield unstarted(settings)
    else:
        with serve(settings) as ready:
            yield ready


def test_each_task_is_an_endpoint_with_an_example_of_its_own(either: TestClient) -> None:
    for task, labels in LABELS.items():
        operation = posting(either, f"/classify/{task}")
        assert operation["operationId"] == f"classify_{task}"
        # Nothing has to be typed: what was a label in the path is the path now.
        assert all(p["in"] == "query" and not p.get("required") for p in operation["parameters"])
        (example,) = operation["responses"]["200"]["content"]["application/json"][
            "examples"
        ].values()
        answer = TaskAnswer.model_validate(example["value"], strict=True)
        assert answer.task == task
        assert set(answer.probabilities) == set(labels)
        assert sum(answer.probabilities.values()) == pytest.approx(1, abs=1e-5)
        assert answer.label == next(iter(answer.probabilities))
    assert "/classify/{task}" not in paths(either)


def test_the_example_of_all_tasks_fits_its_schema(either: TestClient) -> None:
    content = posting(either, "/classify")["responses"]["200"]["content"]["application/json"]
    answers = AllAnswers.model_validate(content["example"], strict=True)
    assert set(answers.results) == set(LABELS)
    assert [task for task, result in answers.results.items() if result.key is not None] == ["chord"]


def test_the_example_of_the_shipped_chords_could_have_its_key() -> None:
    client = unstarted(Settings(models_dir=ROOT / "models"))
    content = posting(client, "/classify/chord")["responses"]["200"]["content"]
    (example,) = content["application/json"]["examples"].values()
    answer = TaskAnswer.model_validate(example["value"], strict=True)
    assert answer.key is not None
    assert answer.key.label == "C major"
    assert [chord.label for chord in answer.chords or ()] == ["C", "G", "Am"]
    assert re.findall(r"\t(\S+)\n", content["text/plain"]["example"]) == ["C:maj", "G:maj", "A:min"]


def test_only_a_task_with_lab_labels_offers_them(either: TestClient) -> None:
    for path in ("/classify", *(f"/classify/{task}" for task in LABELS)):
        operation = posting(either, path)
        (form_of_answer,) = [p for p in operation["parameters"] if p["name"] == "format"]
        is_chord = path == "/classify/chord"
        assert ("lab" in form_of_answer["schema"]["enum"]) is is_chord
        content = operation["responses"]["200"]["content"]
        assert ("text/plain" in content) is is_chord
        if is_chord:
            assert "\tA:min\n" in content["text/plain"]["example"]


@pytest.mark.parametrize("path", ["/classify", "/classify/genre"])
def test_a_file_is_sent_in_a_form_with_options_or_under_a_media_type_of_audio(
    client: TestClient, path: str
) -> None:
    operation = posting(client, path)
    content = dict(operation["requestBody"]["content"])
    form = content.pop("multipart/form-data")["schema"]

    assert form["required"] == ["file"]
    assert form["properties"]["file"]["format"] == "binary"
    assert set(form["properties"]) == {"file"}
    assert "may be a field of the form instead" in operation["requestBody"]["description"]
    assert set(content) == set(MEDIA_TYPES)
    assert {p["name"] for p in operation["parameters"]} == set(Options.model_fields)


def test_a_bundle_that_is_added_is_an_endpoint_too(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre")
    write_bundle(tmp_path / "tempo", labels=("slow", "fast"))
    with serve(Settings(models_dir=tmp_path, tasks=("genre",))) as client:
        assert posting(client, "/classify/tempo")["operationId"] == "classify_tempo"


def test_a_bundle_that_fails_is_an_endpoint_without_an_example(tmp_path: Path) -> None:
    write_bundle(tmp_path / "genre")
    with serve(Settings(models_dir=tmp_path, tasks=("genre", "chord"))) as client:
        answer = posting(client, "/classify/chord")["responses"]["200"]["content"]
        assert "examples" not in answer["application/json"]


def test_the_shares_of_an_example_sum_to_one_however_few_labels_there_are(tmp_path: Path) -> None:
    write_bundle(tmp_path / "two", labels=("C", "Am"))
    edit_card(tmp_path / "two", timeline={"change_probability": 0.1})
    client = unstarted(Settings(models_dir=tmp_path, tasks=("two",)))
    content = posting(client, "/classify/two")["responses"]["200"]["content"]
    (example,) = content["application/json"]["examples"].values()
    assert sum(chord["share"] for chord in example["value"]["chords"]) == pytest.approx(1)


def test_many_labels_are_shown_in_part(tmp_path: Path) -> None:
    labels = tuple(f"label {n}" for n in range(20))
    write_bundle(tmp_path / "many", labels=labels)
    client = unstarted(Settings(models_dir=tmp_path, tasks=("many",)))
    content = posting(client, "/classify/many")["responses"]["200"]["content"]
    (example,) = content["application/json"]["examples"].values()
    assert example["summary"].endswith("top_k=3")
    assert list(example["value"]["probabilities"]) == list(labels[:3])
