"""Pages for people: start page, models, API, and the explanation of each kind of problem."""

from importlib.resources import files

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from starlette.datastructures import Headers
from starlette.routing import Match
from starlette.types import Scope

from service.errors import NotFound, problem_kinds
from service.http.accept import preferred
from service.routes.dependencies import RegistryDep

_PAGES = files("service").joinpath("pages")
_STATIC = StaticFiles(directory=str(_PAGES.joinpath("static")))
# Kept, but asked about before each use: a new version of the service is seen at once.
_CACHING = {"Cache-Control": "no-cache"}
_HTML, _JSON = "text/html", "application/json"
_TEXTS = {
    name: _PAGES.joinpath(f"{name}.html").read_text("utf-8")
    for name in ("index", "models", "model", "docs")
}


class ForBrowsers(APIRoute):
    """A route that only a browser takes, which asks for HTML; others find the next one."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether this route answers a request."""
        if preferred(Headers(scope=scope).get("accept", ""), [_JSON, _HTML]) != _HTML:
            return Match.NONE, {}
        return super().matches(scope)


router = APIRouter(include_in_schema=False)
browser_router = APIRouter(include_in_schema=False, route_class=ForBrowsers)


def _page(request: Request, name: str, **headers: str) -> Response:
    path = request.url.path
    if request.scope["raw_path"].endswith(b"/") and not path.endswith("/"):
        # Whatever the page names beside itself would be looked for one level too deep.
        return RedirectResponse(path)
    return HTMLResponse(_TEXTS[name], headers={**_CACHING, **headers})


@router.head("/")
@router.get("/")
async def start_page(request: Request) -> Response:
    """Show a page to drop files on, and to hear and follow them."""
    return _page(request, "index")


@router.head("/docs")
@router.get("/docs")
async def api_page(request: Request) -> Response:
    """Show the OpenAPI document as a page that can send requests."""
    return _page(request, "docs")


@router.head("/static/{name:path}")
@router.get("/static/{name:path}")
async def static_file(name: str, request: Request) -> Response:
    """Send a script, a style or a picture of the pages."""
    response = await _STATIC.get_response(name, request.scope)
    response.headers.update(_CACHING)
    return response


@router.head("/favicon.ico")
@router.get("/favicon.ico")
async def icon(request: Request) -> Response:
    """Send the icon, which browsers ask for here beside what is no page and names none."""
    return await static_file("favicon.svg", request)


@browser_router.head("/models")
@browser_router.get("/models")
async def models_page(request: Request) -> Response:
    """Show which models there are."""
    return _page(request, "models", Vary="Accept")


@browser_router.head("/models/{task}")
@browser_router.get("/models/{task}")
async def model_page(request: Request, task: str, registry: RegistryDep) -> Response:
    """Show a model's card to people; the page asks for the card as any client does."""
    registry.find(task)  # raises what clients are told, too, when there is none
    return _page(request, "model", Vary="Accept")


@router.head("/problems/{slug}")
@router.get("/problems/{slug}")
async def explain_problem(slug: str) -> PlainTextResponse:
    """Explain one kind of problem, as its ``type`` promises."""
    kinds = problem_kinds()
    if slug not in kinds:
        raise NotFound(f"There is no problem {slug!r}; known are {', '.join(sorted(kinds))}.")
    kind = kinds[slug]
    told = str(kind.__doc__).replace("``", "")  # marks what is code in docstrings only
    return PlainTextResponse(f"{kind.status} {kind.title}\n\n{told}\n")
