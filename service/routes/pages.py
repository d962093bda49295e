"""Pages for people: the start page and the explanation of each kind of problem."""

from importlib.resources import files

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, PlainTextResponse

from service.errors import NotFound, ServiceError

router = APIRouter(include_in_schema=False)

_START_PAGE = files("service").joinpath("pages", "index.html").read_text("utf-8")


@router.head("/")
@router.get("/")
async def start_page() -> HTMLResponse:
    """Show a page to drop a file on."""
    return HTMLResponse(_START_PAGE)


@router.head("/problems/{slug}")
@router.get("/problems/{slug}")
async def explain_problem(slug: str) -> PlainTextResponse:
    """Explain one kind of problem, as its ``type`` promises."""
    every_kind: list[type[ServiceError]] = [ServiceError, *ServiceError.__subclasses__()]
    kinds = {kind.slug(): kind for kind in every_kind}
    if slug not in kinds:
        raise NotFound(f"There is no problem {slug!r}; known are {', '.join(sorted(kinds))}.")
    kind = kinds[slug]
    return PlainTextResponse(f"{kind.status} {kind.title}\n\n{kind.__doc__}\n")
