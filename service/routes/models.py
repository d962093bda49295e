"""What the service can tell, and how well: the model cards."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response

from service.answers import readiness
from service.errors import NotFound, NotReady
from service.inference.card import Card
from service.routes.dependencies import RegistryDep, problem_responses
from service.schemas import ModelSummary


async def _differs_for_browsers(response: Response) -> None:
    """Keep caches from answering a client with the page that a browser got."""
    response.headers["Vary"] = "Accept"


router = APIRouter(prefix="/models", tags=["models"], dependencies=[Depends(_differs_for_browsers)])


@router.head("", include_in_schema=False)
@router.get("", operation_id="list_models", summary="List all models and their states")
async def list_models(registry: RegistryDep) -> list[ModelSummary]:
    """Answer with one summary per task."""
    return list(readiness(registry).models.values())


@router.head("/{task}", include_in_schema=False)
@router.get(
    "/{task}",
    operation_id="get_model_card",
    summary="Read a model's card: data, figures, limits",
    responses=problem_responses(
        (NotFound, "There is no task 'tempo'; this service knows genre."),
        (NotReady, "The genre model is still loading."),
    ),
)
async def get_model_card(
    task: Annotated[str, Path(description="genre, chord or emotion", examples=["genre"])],
    registry: RegistryDep,
) -> Card:
    """Answer with the card of one task's model."""
    return registry.bundle(task).card
