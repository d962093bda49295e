"""Who may listen, and what those hear who may not."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient, WebSocketDenialResponse

from service.settings import Settings
from tests.service.routes.test_access import KEY
from tests.service.serving import assert_problem, serve, unstarted
from tests.service.streaming.said import START_JSON

OWN_PAGE = {"origin": "http://testserver"}
OTHER_PAGE = {"origin": "https://elsewhere.example"}


def refusal(client: TestClient, path: str = "/stream", **options: object) -> WebSocketDenialResponse:
    with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect(path, **options):
        pass
    return refused.value
