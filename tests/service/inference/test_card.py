from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.inference.bundle import CARD_FILE
from service.inference.card import Card


@pytest.fixture(scope="module")
def card(models_dir: Path) -> Card:
    return Card.model_validate_json((models_dir / "genre" / CARD_FILE).read_bytes())


def changed(card: Card, **changes: object) -> dict[str, Any]:
    return card.model_dump() | changes


def test_a_card_survives_a_round_trip_through_json(card: Card) -> None:
    assert Card.model_validate_json(card.model_dump_json()) == card


@pytest.mark.parametrize("task", ["", "Genre", "1st", "../genre", "a b"])
def test_a_task_that_cannot_name_a_folder_is_refused(card: Card, task: str) -> None:
    with pytest.raises(ValidationError, match="task"):
        Card.model_validate(changed(card, task=task))


def test_equal_labels_are_refused(card: Card) -> None:
    with pytest.raises(ValidationError, match="labels must differ"):
        Card.model_validate(changed(card, labels=["rock", "rock"]))


def test_a_single_label_is_refused(card: Card) -> None:
    with pytest.raises(ValidationError, match="labels"):
        Card.model_validate(changed(card, labels=["rock"]))


def test_an_unknown_entry_is_refused(card: Card) -> None:
    with pytest.raises(ValidationError, match="temprature"):
        Card.model_validate(changed(card, temprature=1.0))


@pytest.mark.parametrize("change", [{"temperature": 0.0}, {"uncertain_below": 1.5}])
def test_an_impossible_calibration_is_refused(card: Card, change: dict[str, float]) -> None:
    calibration = card.calibration.model_dump() | change
    with pytest.raises(ValidationError, match=next(iter(change))):
        Card.model_validate(changed(card, calibration=calibration))


def test_a_card_cannot_be_changed_by_accident(card: Card) -> None:
    with pytest.raises(ValidationError, match="frozen"):
        card.version = "2.0.0"  # type: ignore[misc]  # the point of the test


def test_octaves_that_the_features_do_not_hold_are_refused(card: Card) -> None:
    timeline = {"change_probability": 0.1, "bands_per_octave": 9}  # of features with 4 bands
    with pytest.raises(ValidationError, match="whole octaves"):
        Card.model_validate(changed(card, timeline=timeline))
