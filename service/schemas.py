"""The shapes of all JSON answers, as clients and the OpenAPI document see them."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.audio.decode import Clip
from service.audio.excerpt import Excerpt
from service.audio.formats import FORMATS
from service.inference.bundle import EMBEDDING_FILE, MODEL_FILE, Bundle, Probabilities
from service.inference.classification import Classification
from service.inference.registry import Registry, State
from service.inference.timeline import spread

Probability = Annotated[float, Field(ge=0, le=1)]
PROBABILITY_DIGITS = 6
TIME_DIGITS = 3
RATING_DIGITS = 3
TUNING_DIGITS = 1
EMBEDDING_DIGITS = 6  # significant ones


class ExcerptInfo(BaseModel):
    """Which part of the recording was heard."""

    start_s: float
    duration_s: float


class AudioInfo(BaseModel):
    """What was heard."""

    duration_s: float = Field(description="How long that plays which was heard")
    sample_rate_hz: int
    channels: int
    format: str = Field(
        description="How the recording was stored", json_schema_extra={"enum": list(FORMATS)}
    )
    warnings: list[str] = Field(description="What may make the answer less trustworthy")
    excerpt: ExcerptInfo | None = Field(
        default=None, description="Only with start_s or duration_s; it may end with the recording"
    )


class ModelRef(BaseModel):
    """Which model answered."""

    name: str
    version: str
    sha256: str = Field(
        description="Hash of model.onnx, which each training makes anew; "
        "the card has those of all files of the bundle"
    )


class TimelineSegment(BaseModel):
    """The answer for one stretch of time, in seconds of the recording."""

    start_s: float
    end_s: float
    label: str
    confidence: Probability
    probabilities: dict[str, Probability]


class ChordShare(BaseModel):
    """How much of the time one chord sounds."""

    label: str
    share: Probability


class KeyInfo(BaseModel):
    """The key that a recording is in."""

    label: str = Field(description="Tonic and mode", examples=["A minor"])
    probability: Probability = Field(
        description="That it is this one and none of the other 23, judged as in pop"
    )


class Embedding(BaseModel):
    """What a network hears in the whole clip, as a vector; similar music has similar vectors."""

    sha256: str = Field(
        description="Hash of the network; only vectors of one network can be compared, and "
        "tasks that have the same one have the same vector"
    )
    values: list[float]


class TaskResult(BaseModel):
    """The answer of one task."""

    task: str
    label: str = Field(
        description="The most probable label; of chords, the one that sounds longest, weighted by "
        "confidence, and N only where none sounds"
    )
    confidence: Probability = Field(description="Its calibrated probability")
    probabilities: dict[str, Probability] = Field(
        description="Label to probability, descending; all labels (sum 1) unless top_k is given"
    )
    uncertain: bool = Field(
        description="Less confident than nine tenths of the validation clips, silent, no music, or "
        "too short to tell"
    )
    music: Probability | None = Field(
        default=None,
        description="How much of the clip is music rather than speech or noise; only of models "
        "that can tell. Of too little, the answer is uncertain and audio.warnings say what is "
        "heard instead",
    )
    ratings: dict[str, Probability] | None = Field(
        default=None,
        description="What listeners would rate, from 0 to 1; only of models that have ratings, "
        "whose cards say what 0 and 1 mean and how far to trust them",
    )
    chords: list[ChordShare] | None = Field(
        default=None,
        description="Only of chords: the share of the time that each sounds, most first. They sum "
        "to 1, with N for the time when none sounds",
    )
    key: KeyInfo | None = Field(
        default=None,
        description="Only of chords, where they have three roots or more and one key is more "
        "probable than all others together: the key of the whole, even where it changes",
    )
    tuning_cents: float | None = Field(
        default=None,
        ge=-50,
        le=50,
        description="Only of chords, and only where one sounds: how much higher than A = 440 Hz "
        "they are tuned, in hundredths of a semitone",
    )
    model: ModelRef
    spread: dict[str, float] | None = Field(
        default=None,
        description="Standard deviation of the listed labels' probabilities along the timeline, "
        "each segment weighted by its duration; only with timeline=true",
    )
    timeline: list[TimelineSegment] | None = Field(
        default=None, description="Only with timeline=true"
    )
    embedding: Embedding | None = Field(
        default=None, description="Only with embedding=true, and of models that have one"
    )


class TaskAnswer(TaskResult):
    """The answer of one task, with what was decoded."""

    audio: AudioInfo


class AllAnswers(BaseModel):
    """The answers of all tasks about one upload."""

    audio: AudioInfo
    results: dict[str, TaskResult]
    unavailable: list[str] | None = Field(
        default=None, description="Tasks whose model failed; only when there are any"
    )


class ModelSummary(BaseModel):
    """One task in the list of models."""

    task: str
    state: State
    reason: str | None = Field(
        default=None, description="Why it does not serve, or why not a newer one"
    )
    version: str | None = None
    summary: str | None = None
    labels: list[str] = []


class Readiness(BaseModel):
    """Whether requests can be answered, and by which models."""

    status: Literal["loading", "ready", "degraded", "failed", "stopping"]
    models: dict[str, ModelSummary]


class Liveness(BaseModel):
    """The process runs and answers."""

    status: Literal["live"] = "live"
    version: str


class Problem(BaseModel):
    """An error as a problem document (RFC 9457)."""

    type: str = Field(description="Address of an explanation of this kind of problem")
    title: str
    status: int
    detail: str = Field(description="What is wrong with this request and how to mend it")
    instance: str = Field(description="Path of the request")
    request_id: str = Field(description="Quote it when you report the problem")


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
        )
        for labelled in classification.timeline
    ]
