"""Show a problem to people: a page instead of the problem document, for who goes astray."""

from html import escape
from importlib.resources import files
from string import Template

from starlette.requests import HTTPConnection

from service.http.accept import preferred
from service.http.root_path import root_path
from service.schemas import Problem

READING = frozenset({"GET", "HEAD"})
HTML = "text/html"
_DOCUMENTS = ("application/problem+json", "application/json")
_PAGE = Template(files("service").joinpath("pages", "problem.html").read_text("utf-8"))


def wants_page(connection: HTTPConnection) -> bool:
    """Tell whether a person looks for a page, rather than a program for data."""
    if connection.scope.get("method") not in READING:
        return False
    accept = connection.headers.get("accept", "")
    return preferred(accept, [*_DOCUMENTS, HTML]) == HTML


def problem_page(connection: HTTPConnection, problem: Problem) -> str:
    """Return the page that tells of a problem, with the way back."""
    told = {name: escape(str(value)) for name, value in problem}
    return _PAGE.substitute(told, top=_to_the_top(connection))


def _to_the_top(connection: HTTPConnection) -> str:
    """Return where the start page is, seen from an address however deep below it.

    It is told from what the browser asked for, which a proxy that offers the service under a path
    of its own may have cut at its beginning, but not at its end.
    """
    asked: str = connection.scope["raw_path"].decode("latin-1")
    return "../" * (asked.removeprefix(root_path(connection)).count("/") - 1) or "./"
