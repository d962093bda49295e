"""Tell what was heard, and which models there are, in the shapes of :mod:`service.schemas`."""

from collections.abc import Iterable, Mapping

from service.audio.decode import Clip
from service.audio.excerpt import Excerpt
from service.inference.bundle import Bundle
from service.inference.bundle_files import EMBEDDING_FILE, MODEL_FILE
from service.inference.classification import Classification
from service.inference.registry import Registry
from service.inference.softmax import Probabilities
from service.inference.timeline import LabelledSegment, spread
from service.schemas import (
    AudioInfo,
    BassInfo,
    ChordShare,
    Embedding,
    ExcerptInfo,
    KeyInfo,
    ModelRef,
    ModelSummary,
    Readiness,
    TaskResult,
    TimelineSegment,
)

PROBABILITY_DIGITS = 6
TIME_DIGITS = 3
RATING_DIGITS = 3
TUNING_DIGITS = 1
EMBEDDING_DIGITS = 6  # significant ones
SILENCE = "silence"


def audio_info(
    clip: Clip, asked: Excerpt | None = None, answers: Iterable[Classification] = ()
) -> AudioInfo:
    """Describe a decoded clip, and what models hear in it where they hear no music.

    The clip may be the excerpt that was asked for.
    """
    duration_s = round(clip.duration_s, TIME_DIGITS)
    heard = None
    if asked is not None:
        heard = ExcerptInfo(start_s=round(asked.start_s, TIME_DIGITS), duration_s=duration_s)
    instead = {answer.heard_instead for answer in answers} - {None}
    return AudioInfo(
        duration_s=duration_s,
        sample_rate_hz=clip.sample_rate_hz,
        channels=clip.channels,
        format=clip.format,
        warnings=[*clip.warnings, *(f"no_music: this sounds like {kind}" for kind in instead)],
        excerpt=heard,
    )


def task_result(
    task: str,
    classification: Classification,
    *,
    top_k: int | None,
    start_s: float = 0.0,
    embedding: bool = False,
) -> TaskResult:
    """Describe a classification; ``top_k`` limits the labels listed.

    Of an excerpt, ``start_s`` is where it begins.
    """
    bundle = classification.bundle
    ranked = _ranked(bundle, classification.probabilities, top_k)
    label, confidence = next(iter(ranked.items()))
    return TaskResult(
        task=task,
        label=label,
        confidence=confidence,
        probabilities=ranked,
        uncertain=classification.uncertain,
        music=_music(classification),
        heard_instead=SILENCE if classification.silent else classification.heard_instead,
        ratings=_ratings(classification),
        chords=_chords(classification),
        key=_key(classification),
        tuning_cents=_tuning_cents(classification),
        model=ModelRef(
            name=bundle.card.task,
            version=bundle.card.version,
            sha256=bundle.card.sha256[MODEL_FILE],
        ),
        spread=_spread(classification, ranked),
        timeline=_timeline(classification, top_k, start_s),
        embedding=_embedding(classification) if embedding else None,
    )


def task_results(
    answers: Mapping[str, Classification],
    *,
    top_k: int | None,
    start_s: float,
    embedding: bool,
) -> dict[str, TaskResult]:
    """Describe the classifications of several tasks; see :func:`task_result`."""
    return {
        task: task_result(task, answer, top_k=top_k, start_s=start_s, embedding=embedding)
        for task, answer in answers.items()
    }


def readiness(registry: Registry) -> Readiness:
    """Describe the state of all models."""
    entries = registry.entries()
    models = {
        task: ModelSummary(
            task=task,
            state=entry.state,
            reason=entry.reason,
            version=entry.bundle.card.version if entry.bundle else None,
            summary=entry.bundle.card.summary if entry.bundle else None,
            labels=entry.bundle.card.labels if entry.bundle else [],
        )
        for task, entry in entries.items()
    }
    states = {entry.state for entry in entries.values()}
    if states == {"ready"}:
        return Readiness(status="ready", models=models)
    if "loading" in states:
        return Readiness(status="loading", models=models)
    return Readiness(status="degraded" if "ready" in states else "failed", models=models)


def _ranked(
    bundle: Bundle, probabilities: Probabilities, top_k: int | None, also: int | None = None
) -> dict[str, float]:
    order = probabilities.argsort()[::-1][:top_k].tolist()
    if also is not None and also not in order:
        order.append(also)
    labels = bundle.card.labels
    return {labels[i]: round(float(probabilities[i]), PROBABILITY_DIGITS) for i in order}


def _music(classification: Classification) -> float | None:
    share = classification.kinds[:1].tolist()
    return round(share[0], PROBABILITY_DIGITS) if share else None


def _ratings(classification: Classification) -> dict[str, float] | None:
    if classification.silent:  # what a model makes of nothing may be either end of the scale
        return None
    names = [rating.name for rating in classification.bundle.card.ratings]
    values = classification.ratings.tolist()
    return {n: round(v, RATING_DIGITS) for n, v in zip(names, values, strict=True)} or None


def _chords(classification: Classification) -> list[ChordShare] | None:
    if classification.shares is None:
        return None
    labels = classification.bundle.card.labels
    return [
        ChordShare(label=labels[s.label], share=round(s.share, PROBABILITY_DIGITS))
        for s in classification.shares
    ]


def _key(classification: Classification) -> KeyInfo | None:
    key = classification.key
    if key is None:
        return None
    return KeyInfo(label=key.label, probability=round(key.probability, PROBABILITY_DIGITS))


def _tuning_cents(classification: Classification) -> float | None:
    cents = classification.tuning_cents
    # No "-0.0", which reads odd.
    return None if cents is None else round(cents, TUNING_DIGITS) + 0.0


def _embedding(classification: Classification) -> Embedding | None:
    if classification.embedding is None:
        return None
    return Embedding(
        sha256=classification.bundle.card.sha256[EMBEDDING_FILE],
        values=[float(f"{value:.{EMBEDDING_DIGITS}g}") for value in classification.embedding],
    )


def _spread(classification: Classification, listed: Iterable[str]) -> dict[str, float] | None:
    if classification.timeline is None:
        return None
    deviations = spread(classification.timeline)
    labels = classification.bundle.card.labels
    return {
        label: round(float(deviations[labels.index(label)]), PROBABILITY_DIGITS) for label in listed
    }


def _timeline(
    classification: Classification, top_k: int | None, start_s: float
) -> list[TimelineSegment] | None:
    bundle = classification.bundle
    if classification.timeline is None:
        return None
    return [
        TimelineSegment(
            start_s=round(start_s + labelled.segment.start_s, TIME_DIGITS),
            end_s=round(start_s + labelled.segment.end_s, TIME_DIGITS),
            label=bundle.card.labels[labelled.label],
            confidence=round(float(labelled.probabilities[labelled.label]), PROBABILITY_DIGITS),
            # The most probable sequence may pass through a label that is not the top one.
            probabilities=_ranked(bundle, labelled.probabilities, top_k, also=labelled.label),
            bass=_bass(labelled),
        )
        for labelled in classification.timeline
    ]


def _bass(labelled: LabelledSegment) -> BassInfo | None:
    bass = labelled.bass
    if bass is None:
        return None
    probability = round(bass.probability, PROBABILITY_DIGITS)
    return BassInfo(note=bass.note, degree=bass.degree, probability=probability)
