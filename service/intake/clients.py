"""Who sends a request, as far as an address tells."""

import ipaddress

from starlette.types import Scope

from service.telemetry.client_address import client_address, client_host

# One customer of a provider has so many addresses of version 6.
OWN_PREFIX_BITS = 64


def client_network(scope: Scope) -> str:
    """Return the address of a client; of version 6, the network that one client has."""
    address = client_address(scope)
    if address is None:
        return client_host(scope)
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.ip_network((int(address), OWN_PREFIX_BITS), strict=False))
