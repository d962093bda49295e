"""The Python client of a running service; needs the extra ``client``.

:class:`~service.client.sync.Client` for plain code, and
:class:`~service.client.asynchronous.AsyncClient` for many files at once. Answers come in the
service's own schemas, problems as the service's own exceptions of :mod:`service.errors`.
"""

from service.client.asynchronous import AsyncClient
from service.client.exchange import ServiceUnreachable
from service.client.sync import Client

__all__ = ["AsyncClient", "Client", "ServiceUnreachable"]
