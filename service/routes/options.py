"""What a client may ask for beside the answer, in the query or as fields of the form.

Both are read alike, and what nobody knows is an error: a client that writes ``topk`` and gets all
labels would not notice.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Annotated, Any, Literal, Self

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.audio.excerpt import Excerpt, asked_excerpt
from service.errors import InvalidRequest
from service.intake.form import MAX_SHOWN_CHARACTERS
from service.wording import in_words

LONGEST_S = 1e6  # eleven days
SIMILARITY = 0.6


class Options(BaseModel):
    """What a client asks for; each field's description is its documentation."""

    model_config = ConfigDict(frozen=True)

    timeline: bool = Field(
        default=False,
        description="Also answer for each stretch of time, not only for the whole clip",
    )
    top_k: int | None = Field(
        default=None, ge=1, description="List only this many labels, the most probable first"
    )
    embedding: bool = Field(
        default=False,
        description="Also give what the network hears as a vector, to search for similar music; "
        "of models that have one",
    )
    start_s: float = Field(
        default=0.0,
        ge=0,
        le=LONGEST_S,
        allow_inf_nan=False,
        description="Hear the recording from here on, in seconds",
    )
    duration_s: float | None = Field(
        default=None,
        gt=0,
        le=LONGEST_S,
        allow_inf_nan=False,
        description="Hear so many seconds of it; without, to its end",
    )
    format: Literal["json", "lab"] | None = Field(
        default=None,
        description="json; or lab, of tasks that have it: start, end and chord a line, as chord "
        "tools read them. Without, the header Accept decides",
    )

    @classmethod
    def read(cls, written: Iterable[tuple[str, str]]) -> Self:
        """Return the options that names and values tell.

        Raises
        ------
        InvalidRequest
            A name is unknown, told twice, or its value does not fit.
        """
        told: dict[str, str] = {}
        for name, value in written:
            if name not in cls.model_fields:
                raise _unknown(name, cls.model_fields)
            if told.setdefault(name, value) != value:
                raise _contradiction(name)
        try:
            return cls.model_validate(told)
        except ValidationError as error:
            raise InvalidRequest(_faults(error, told)) from None

    def joined(self, other: Self) -> Self:
        """Return what either of two options tells.

        Raises
        ------
        InvalidRequest
            They tell different things.
        """
        for name in self.model_fields_set & other.model_fields_set:
            if getattr(self, name) != getattr(other, name):
                raise _contradiction(name)
        told = {**self.model_dump(exclude_unset=True), **other.model_dump(exclude_unset=True)}
        return self.model_validate(told)

    @property
    def excerpt(self) -> Excerpt | None:
        """The part of the recording that is to be heard; None for all of it."""
        return asked_excerpt(self.start_s, self.duration_s)


async def _of_query(request: Request) -> Options:
    return Options.read(request.query_params.multi_items())


OptionsDep = Annotated[Options, Depends(_of_query)]


def option_schemas() -> dict[str, dict[str, Any]]:
    """Return the JSON schema of each option, for the OpenAPI document.

    An option that may be left out has no word for that: nobody writes ``top_k=null``.
    """
    schemas = {}
    for name, written in Options.model_json_schema()["properties"].items():
        choices = [choice for choice in written.pop("anyOf", []) if choice != {"type": "null"}]
        schema = {**written, **(choices[0] if choices else {})}
        del schema["title"]
        schemas[name] = {key: value for key, value in schema.items() if value is not None}
    return schemas


def _unknown(name: str, known: Iterable[str]) -> InvalidRequest:
    names = list(known)
    near = get_close_matches(name.lower().replace("-", "_"), names, n=1, cutoff=SIMILARITY)
    hint = f"Did you mean {near[0]!r}?" if near else f"Known are {', '.join(names)}."
    shown = name[:MAX_SHOWN_CHARACTERS]
    return InvalidRequest(f"There is no parameter or form field {shown!r}. {hint}")


def _contradiction(name: str) -> InvalidRequest:
    return InvalidRequest(f"{name} is told twice, and differently. Tell it once.")


def _faults(error: ValidationError, told: dict[str, str]) -> str:
    faults = []
    for fault in error.errors(include_url=False):
        name = str(fault["loc"][0])
        faults.append(f"{name}={told[name][:MAX_SHOWN_CHARACTERS]}: {in_words(fault)}")
    return f"{'; '.join(faults)}."
