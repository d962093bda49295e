from threading import Event

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from service.http.last_answer import LastAnswerMiddleware


def test_a_connection_ends_with_its_answer_once_the_service_stops() -> None:
    stopping = Event()
    app = Starlette(routes=[Route("/", lambda _: Response())])
    client = TestClient(LastAnswerMiddleware(app, stopping))
    assert "connection" not in client.get("/").headers
    stopping.set()
    assert client.get("/").headers["connection"] == "close"
