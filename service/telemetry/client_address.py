"""Where a request came from, as exactly as the operator wants it in the log."""

import ipaddress
from typing import Literal

from starlette.types import Scope

Exactness = Literal["none", "network", "address"]

# What one provider or company has, rather than one person.
SHOWN_BITS = {4: 24, 6: 48}


Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def client_host(scope: Scope) -> str:
    """Return what a request's connection says of its client.

    Behind a proxy that is trusted, it is the address that the proxy names: Uvicorn has put it in
    the scope.
    """
    return str((scope.get("client") or ("",))[0])


def client_address(scope: Scope) -> Address | None:
    """Return the address of a request's client; None for a socket of the file system."""
    try:
        address = ipaddress.ip_address(client_host(scope))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def shown_client(scope: Scope, exactness: Exactness) -> str:
    """Return the address of a request's client, the network that it is in, or nothing."""
    address = client_address(scope)
    if address is None or exactness == "none":
        return ""
    if exactness == "address":
        return str(address)
    return str(ipaddress.ip_network((str(address), SHOWN_BITS[address.version]), strict=False))
