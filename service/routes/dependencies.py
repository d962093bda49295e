"""What endpoints need from the application, as annotated parameters.

They are coroutines though they wait for nothing: FastAPI runs plain functions in a thread.
"""

from threading import Event
from typing import Annotated, Any, Literal, cast

from fastapi import Depends, Request

from service.errors import ServiceError
from service.http import problems
from service.inference.registry import Registry
from service.intake.intake import Intake
from service.schemas import Problem


async def _registry(request: Request) -> Registry:
    return cast(Registry, request.app.state.registry)


async def _intake(request: Request) -> Intake:
    return cast(Intake, request.app.state.intake)


async def _stopping(request: Request) -> bool:
    stopping: Event = request.app.state.stopping
    return stopping.is_set()


async def _ready_when(request: Request) -> Literal["all", "any"]:
    ready_when: Literal["all", "any"] = request.app.state.ready_when
    return ready_when


RegistryDep = Annotated[Registry, Depends(_registry)]
IntakeDep = Annotated[Intake, Depends(_intake)]
StoppingDep = Annotated[bool, Depends(_stopping)]
ReadyWhenDep = Annotated[Literal["all", "any"], Depends(_ready_when)]


def problem_responses(*errors: tuple[type[ServiceError], str]) -> dict[int | str, dict[str, Any]]:
    """Document errors for the OpenAPI page: each class with an example of its detail."""
    documented: dict[int | str, dict[str, Any]] = {}
    for error, detail in errors:
        example = Problem(
            type=f"{problems.PATH}/{error.slug()}",
            title=error.title,
            status=error.status,
            detail=detail,
            instance="/classify/genre",
            request_id="5f0c8a0e6d1b4c7f9a3e2d1c0b9a8f7e",
        )
        response = documented.setdefault(
            error.status,
            {
                "description": error.title,
                "content": {
                    problems.MEDIA_TYPE: {
                        "schema": problems.SCHEMA,
                        "examples": {},
                    }
                },
            },
        )
        if error.title not in response["description"]:
            response["description"] += f", or {error.title.lower()}"
        examples = response["content"][problems.MEDIA_TYPE]["examples"]
        examples[error.slug()] = {"summary": error.title, "value": example.model_dump()}
    return documented
