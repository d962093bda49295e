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
SHARE = 0.62
KEY = {"label": "A minor", "probability": 0.83}
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


def lab_answer(labels: Sequence[str]) -> str:
    """Return a ``.lab`` file of the first labels."""
    return "".join(f"{times}\t{label}\n" for times, label in zip(SEGMENTS_S, labels, strict=False))


def _is_cut(card: Card) -> bool:
    return len(card.labels) > MAX_LABELS


def _result(card: Card) -> dict[str, Any]:
    falling = [FALL**place for place in range(len(card.labels))]
    probabilities = {
        label: round(value / sum(falling), PROBABILITY_DIGITS)
        for label, value in zip(card.labels, falling, strict=True)
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
        **({"chords": _shares(card.labels)} if card.timeline else {}),
        **({"key": KEY, "tuning_cents": TUNING_CENTS} if card.timeline and card.lab_labels else {}),
        "model": {
            "name": card.task,
            "version": card.version,
            "sha256": card.sha256[MODEL_FILE],
        },
    }


def _shares(labels: Sequence[str]) -> list[dict[str, Any]]:
    shares = (SHARE, round(1 - SHARE, PROBABILITY_DIGITS))
    return [{"label": n, "share": s} for n, s in zip(labels, shares, strict=False)]
