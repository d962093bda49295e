"""The shapes of all JSON answers, as clients and the OpenAPI document see them."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field

from service.audio.formats import FORMATS
from service.inference.registry import State

Probability = Annotated[float, Field(ge=0, le=1)]


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


class BassInfo(BaseModel):
    """The note that a chord stands on."""

    note: str = Field(examples=["E"])
    degree: str = Field(
        description="Which note of the chord it is, in Harte's notation", examples=["3"]
    )
    probability: Probability = Field(description="That it is the bass, if the chord is right")


class TimelineSegment(BaseModel):
    """The answer for one stretch of time, in seconds of the recording."""

    start_s: float
    end_s: float
    label: str
    confidence: Probability
    probabilities: dict[str, Probability]
    bass: BassInfo | None = Field(
        default=None,
        description="Only of chords that surely stand on another note than their root, such as C/E",
    )


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
    heard_instead: str | None = Field(
        default=None,
        description="Only where it is no music: what is heard, such as silence, speech or noise. "
        "The label is a guess then, and the answer uncertain",
        examples=["speech"],
    )
    ratings: dict[str, Probability] | None = Field(
        default=None,
        description="What listeners would rate, from 0 to 1; only of models that have ratings, "
        "whose cards say what 0 and 1 mean and how far to trust them, and not of silence",
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
