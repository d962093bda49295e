"""The model card: a bundle's contract and its honest description, in one ``card.json``."""

import math
from itertools import pairwise
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from service.inference.features import FeatureSpec
from service.inference.timeline import TimelineSpec
from service.inference.windows import WindowSpec

Share = Annotated[float, Field(ge=0, le=1)]


class _CardPart(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Estimate(_CardPart):
    """A figure and its 95% confidence interval."""

    value: float
    low: float
    high: float


class LengthCalibration(_CardPart):
    """How to calibrate clips of which so many seconds are heard."""

    heard_s: float = Field(gt=0)
    temperature: float = Field(gt=0)
    weight: Share = Field(default=1.0, description="Of what the network says; the rest is guessed")


class Calibration(_CardPart):
    """How logits become probabilities, and when the answer counts as uncertain."""

    temperature: float = Field(gt=0, description="Clip logits are divided by this before softmax")
    by_length: list[LengthCalibration] = Field(
        default=[],
        description="What takes its place, by the length heard: between two lengths, the weight "
        "and the logarithm of the temperature are linear in the logarithm of the length; beyond "
        "the ends, they are those of the end",
    )
    label_shares: list[Share] = Field(
        default=[],
        description="How common each label is among the validation clips: what is guessed, as far "
        "as a weight is below 1",
    )
    uncertain_below: Share = Field(description="A lower confidence makes the answer uncertain")
    uncertain_up_to_s: float = Field(
        default=0.0, ge=0, description="So little heard makes any answer uncertain"
    )
    fitted_on: str = Field(description="Which clips the numbers were fitted on")

    @model_validator(mode="after")
    def _lengths_fit(self) -> Self:
        if any(a.heard_s >= b.heard_s for a, b in pairwise(self.by_length)):
            raise ValueError("by_length must go from the shortest length to the longest")
        if any(length.weight < 1 for length in self.by_length) and not self.label_shares:
            raise ValueError("a weight below 1 needs label_shares to guess by")
        return self

    def is_uncertain(self, confidence: float, heard_s: float) -> bool:
        """Tell whether that is too little to act on: a low confidence, or hardly any sound."""
        return heard_s <= self.uncertain_up_to_s or confidence < self.uncertain_below

    def at(self, heard_s: float | None) -> tuple[float, float]:
        """Return temperature and weight for a clip of some seconds; None where that is unknown."""
        if heard_s is None or not self.by_length:
            return self.temperature, 1.0
        lengths = np.log([length.heard_s for length in self.by_length])
        heard = math.log(max(heard_s, self.by_length[0].heard_s))
        temperatures = np.log([length.temperature for length in self.by_length])
        weights = [length.weight for length in self.by_length]
        return (
            math.exp(float(np.interp(heard, lengths, temperatures))),
            float(np.interp(heard, lengths, weights)),
        )


class TrainingRecord(_CardPart):
    """Where the weights come from."""

    command: str
    data_sets: dict[str, int] = Field(description="Clips used for training, by data set")
    clips_skipped: int = Field(description="Clips left out because they could not be decoded")
    split: str
    seed: int
    epochs: int
    head: str = Field(
        default="",
        description="What was trained on a pretrained network, and what it was chosen from",
    )
    parameters: int
    code_version: str
    trained_on: str = Field(description="Date, ISO 8601")
    licence_note: str


class Figures(_CardPart):
    """All figures of one set of answers."""

    n: int
    accuracy: Estimate
    balanced_accuracy: Estimate
    macro_f1: Estimate
    ece: Estimate
    per_class_recall: dict[str, Estimate]
    confusion_matrix: list[list[int]] = Field(
        description="Rows: true label, columns: answer, both in the order of confusion_labels"
    )
    confusion_labels: list[str]


class Evaluation(Figures):
    """How good the model is on clips whose groups it never saw."""

    data_set: str
    protocol: str


class RatingCheck(_CardPart):
    """How well ratings are predicted on a collection that was not learned from."""

    learned_from: str
    data_set: str
    n: int
    correlation: Estimate = Field(description="Pearson's, with what listeners said")


class Rating(_CardPart):
    """Something that listeners rate on a scale, beside the labels."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    meaning: str = Field(description="What 0 and 1 mean")
    evaluation: list[RatingCheck]


class ContextSpec(_CardPart):
    """What a second network hears in the whole clip, told to the first along with each window."""

    features: FeatureSpec
    windows: WindowSpec


class KindsSpec(_CardPart):
    """What kind of sound the embedding network hears, beside all that a task asks for."""

    labels: list[str] = Field(
        min_length=2,
        description="The kinds, that which the task is for first; their logits are the last values "
        "of each window's embedding",
    )
    uncertain_below: Share = Field(
        description="A lower probability of the first kind makes the answer uncertain"
    )
    fitted_on: str = Field(description="Which sounds the kinds and the threshold were fitted on")


class Card(_CardPart):
    """Everything a reader or the service must know of a bundle."""

    task: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    version: str
    summary: str
    labels: list[str] = Field(min_length=2, description="In the order of the network's outputs")
    features: FeatureSpec
    windows: WindowSpec
    context: ContextSpec | None = Field(
        default=None, description="What context.onnx hears in the whole clip, if there is one"
    )
    kinds: KindsSpec | None = Field(
        default=None, description="Kinds of sound that embedding.onnx tells apart, if it does"
    )
    aggregation: str = Field(
        default="mean of the windows' logits", description="How windows become one answer"
    )
    calibration: Calibration
    timeline: TimelineSpec | None = Field(
        default=None, description="How windows join to segments; without, each is a segment"
    )
    lab_labels: list[str] | None = Field(
        default=None, description="The labels as .lab files spell them, for chords Harte's notation"
    )
    ratings: list[Rating] = Field(
        default=[], description="In the order of the outputs of ratings.onnx, if there is one"
    )
    training: TrainingRecord
    evaluation: list[Evaluation]
    not_for: list[str] = Field(description="What the model must not be used for")
    sha256: dict[str, str] = Field(description="Hash of every other file of the bundle")

    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        if len(set(self.labels)) != len(self.labels):
            raise ValueError("labels must differ from each other")
        names = [rating.name for rating in self.ratings]
        if len(set(names)) != len(names):
            raise ValueError("ratings must differ from each other")
        if self.lab_labels is not None and len(self.lab_labels) != len(self.labels):
            raise ValueError("there must be as many lab_labels as labels")
        if len(self.calibration.label_shares) not in (0, len(self.labels)):
            raise ValueError("there must be as many calibration.label_shares as labels")
        octave = self.timeline.bands_per_octave if self.timeline else None
        if octave is not None and self.features.bands % octave != 0:
            raise ValueError("the features must hold whole octaves of timeline.bands_per_octave")
        if self.timeline and self.timeline.retune_beyond_cents and octave is None:
            raise ValueError("timeline.retune_beyond_cents needs timeline.bands_per_octave")
        if self.timeline and self.timeline.onsets and octave is None:
            raise ValueError("timeline.onsets needs timeline.bands_per_octave")
        return self
