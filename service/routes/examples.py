"""Example answers for the OpenAPI document, made from the cards of the bundles."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.answers import PROBABILITY_DIGITS
from service.inference.bundle_files import MODEL_FILE
from service.inference.card import Card

# With more, an example would be all labels and nothing else.
MAX_LABELS = 10
FEWER_LABELS = 3
# Each label is so much less probable than the one before.
FALL = 0.25
RATING = 0.64
# The first chords of a card have one root, so they would make no song, and no key.
PLAYED = ("C", "G", "Am")
SHARES = (0.5, 0.3, 0.2)
KEY = {"label": "C major", "probability": 0.83}
TUNING_CENTS = -3.2
SEGMENTS_S = ("0.000\t1.858", "1.858\t3.947", "3.947\t6.037")

AUDIO = {
    "duration_s": 30.0,
    "sample_rate_hz": 44100,
    "channels": 2,
    "format": "mp3",
    "warnings": ["clipped: many samples sit at full scale, the recording was too loud"],
}


def summary(card: Card) -> str:
    """Say what was asked to get the example."""
    asked = f", top_k={FEWER_LABELS}" if _is_cut(card) else ""
    return f"{card.task} of a 30 s MP3{asked}"


def task_answer(card: Card) -> dict[str, Any]:
    """Return an answer of one task."""
    return {**_result(card), "audio": AUDIO}


def all_answers(cards: Mapping[str, Card]) -> dict[str, Any]:
    """Return the answers of all tasks."""
    return {"audio": AUDIO, "results": {task: _result(card) for task, card in cards.items()}}


def lab_answer(card: Card) -> str:
    """Return a ``.lab`` file of what the example plays."""
    spelled = dict(zip(card.labels, card.lab_labels or (), strict=False))
    heard = zip(SEGMENTS_S, _labels(card), strict=False)
    return "".join(f"{times}\t{spelled[label]}\n" for times, label in heard)


def _is_cut(card: Card) -> bool:
    return len(card.labels) > MAX_LABELS


def _result(card: Card) -> dict[str, Any]:
    falling = [FALL**place for place in range(len(card.labels))]
    probabilities = {
        label: round(value / sum(falling), PROBABILITY_DIGITS)
        for label, value in zip(_labels(card), falling, strict=True)
    }
    if _is_cut(card):
        probabilities = dict(list(probabilities.items())[:FEWER_LABELS])
    label, confidence = next(iter(probabilities.items()))
    return {
        "task": card.task,
        "label": label,
        "confidence": confidence,
        "probabilities": probabilities,
        "uncertain": confidence < card.calibration.uncertain_below,
        **({"ratings": {r.name: RATING for r in card.ratings}} if card.ratings else {}),
        **({"chords": _shares(_labels(card))} if card.timeline else {}),
        **({"key": KEY, "tuning_cents": TUNING_CENTS} if card.timeline and card.lab_labels else {}),
        "model": {
            "name": card.task,
            "version": card.version,
            "sha256": card.sha256[MODEL_FILE],
        },
    }


def _labels(card: Card) -> list[str]:
    """Return the labels in the order in which the example finds them probable."""
    played = [label for label in PLAYED if label in card.labels]
    return [*played, *(label for label in card.labels if label not in played)]


def _shares(labels: Sequence[str]) -> list[dict[str, Any]]:
    heard = list(zip(labels, SHARES, strict=False))
    whole = sum(share for _, share in heard)
    return [
        {"label": label, "share": round(share / whole, PROBABILITY_DIGITS)}
        for label, share in heard
    ]
