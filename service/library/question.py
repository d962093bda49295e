"""What is asked about each file, and what came of it."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict

from service.audio.decode import Limits
from service.audio.excerpt import Excerpt, asked_excerpt
from service.inference.bundle_files import MODEL_FILE
from service.inference.card import Card
from service.schemas import AllAnswers, ModelRef

MIB = 1 << 20


class Question(BaseModel):
    """What is asked about each file of a run.

    Two runs with another question have other answers, which are not mixed in one table.
    """

    model_config = ConfigDict(frozen=True)

    tasks: tuple[str, ...]
    timeline: bool = False
    top_k: int | None = None
    embedding: bool = False
    start_s: float = 0.0
    duration_s: float | None = None
    max_bytes: int = 256 * MIB
    max_duration_s: float = Limits.max_duration_s

    def is_answered_alike(self, other: "Question") -> bool:
        """Tell whether answers to both may stand in one table.

        What is allowed of a file says only which ones have no answer; it may change.
        """
        allowed = {"max_bytes": other.max_bytes, "max_duration_s": other.max_duration_s}
        return self.model_copy(update=allowed) == other

    @property
    def excerpt(self) -> Excerpt | None:
        """The part of each file that is heard; None for all of it."""
        return asked_excerpt(self.start_s, self.duration_s)


class TaskModel(BaseModel):
    """The model that answers for a task, as far as a table must know it."""

    model_config = ConfigDict(frozen=True)

    ref: ModelRef
    labels: list[str]
    ratings: list[str]
    lab_labels: list[str] | None
    joins: bool = False  # whether it tells how much of the time each label sounds
    tells_music: bool = False  # whether it tells how much of a clip is music


Models = dict[str, TaskModel]  # by task


def describe_card(card: Card) -> TaskModel:
    """Describe the model of a card as far as a table must know it."""
    return TaskModel(
        ref=ModelRef(name=card.task, version=card.version, sha256=card.sha256[MODEL_FILE]),
        labels=card.labels,
        ratings=[rating.name for rating in card.ratings],
        lab_labels=card.lab_labels,
        joins=card.timeline is not None,
        tells_music=card.kinds is not None,
    )


def with_old_labels(models: Models, known: Models) -> Models:
    """Add the labels and ratings of the models that answered before to those of the present."""
    return {
        task: model.model_copy(
            update={
                "labels": list(dict.fromkeys([*model.labels, *known[task].labels])),
                "ratings": list(dict.fromkeys([*model.ratings, *known[task].ratings])),
            }
        )
        if task in known
        else model
        for task, model in models.items()
    }


@dataclass(frozen=True)
class Outcome:
    """What came of one file.

    Attributes
    ----------
    file
        Its path or URL.
    sha256
        Of its content; None if that could not be read.
    answers
        What was asked for, as the API gives it.
    slug, detail
        The problem with it, as the API names and tells it; None if there is none.
    """

    file: str
    sha256: str | None = None
    answers: AllAnswers | None = None
    slug: str | None = None
    detail: str | None = None


def who_answered(answers: AllAnswers) -> str:
    """Name the models that gave answers: the version and hash of each, by task."""
    return ", ".join(
        f"{task} {result.model.version} {result.model.sha256}"
        for task, result in sorted(answers.results.items())
    )


def who_answers(models: Models) -> str:
    """Name models as :func:`who_answered` names them once they have answered."""
    return ", ".join(
        f"{task} {model.ref.version} {model.ref.sha256}" for task, model in sorted(models.items())
    )
