from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from service.inference.bundle_files import CARD_FILE
from service.inference.card import Calibration, Card


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


@pytest.mark.parametrize(
    "change",
    [{"retune_beyond_cents": 25}, {"onsets": {"fft_samples": 256, "hop_samples": 128}}],
    ids=["tuning", "onsets"],
)
def test_what_needs_octaves_is_refused_without(card: Card, change: dict[str, object]) -> None:
    timeline = {"change_probability": 0.1, **change}
    with pytest.raises(ValidationError, match=r"needs timeline\.bands_per_octave"):
        Card.model_validate(changed(card, timeline=timeline))


BY_LENGTH = [
    {"heard_s": 0.1, "temperature": 4.0, "weight": 0.2},
    {"heard_s": 1.0, "temperature": 2.0, "weight": 0.6},
    {"heard_s": 10.0, "temperature": 1.0},
]


def calibration(**changes: object) -> Calibration:
    numbers = {
        "temperature": 1.5,
        "label_shares": [0.25, 0.75],
        "uncertain_below": 0.5,
        "fitted_on": "nothing",
    }
    return Calibration.model_validate(numbers | changes)


@pytest.mark.parametrize(
    ("heard_s", "temperature", "weight"),
    [
        (0.0, 4.0, 0.2),
        (0.01, 4.0, 0.2),
        (0.1, 4.0, 0.2),
        (1.0, 2.0, 0.6),
        (10**0.5, 2**0.5, 0.8),  # in the middle of two, by ratio
        (10.0, 1.0, 1.0),
        (900.0, 1.0, 1.0),
    ],
)
def test_temperature_and_weight_go_with_the_length_heard(
    heard_s: float, temperature: float, weight: float
) -> None:
    found = calibration(by_length=BY_LENGTH).at(heard_s)
    assert found == pytest.approx((temperature, weight))


def test_without_lengths_there_is_one_temperature() -> None:
    assert calibration().at(0.1) == (1.5, 1.0)


def test_of_an_unknown_length_the_one_temperature_is_taken() -> None:
    assert calibration(by_length=BY_LENGTH).at(None) == (1.5, 1.0)


def test_a_weight_needs_something_to_guess_by() -> None:
    with pytest.raises(ValidationError, match="needs label_shares"):
        calibration(by_length=BY_LENGTH, label_shares=[])


def test_label_shares_must_be_of_the_labels(card: Card) -> None:
    with pytest.raises(ValidationError, match=r"as many calibration\.label_shares"):
        Card.model_validate(changed(card, calibration=calibration().model_dump()))


def test_lengths_that_do_not_ascend_are_refused() -> None:
    with pytest.raises(ValidationError, match="from the shortest length to the longest"):
        calibration(by_length=BY_LENGTH[::-1])


def test_a_card_from_before_lengths_and_loudness_is_read(card: Card) -> None:
    older = card.model_dump()
    for name in ("by_length", "label_shares", "uncertain_up_to_s"):
        del older["calibration"][name]
    del older["features"]["loudness_lufs"]
    assert Card.model_validate(older) == card
