"""Where a request came from, as exactly as the operator wants it in the log."""

import ipaddress
from typing import Literal

from starlette.types import Scope

Exactness = Literal["none", "network", "address"]

# What one provider or company has, rather than one person.
SHOWN_BITS = {4: 24, 6: 48}


def shown_client(scope: Scope, exactness: Exactness) -> str:
    """Return the address of a request's client, the network that it is in, or nothing.

    Behind a proxy that is trusted, it is the address that the proxy names: Uvicorn has put it in
    the scope.
    """
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket of the file system has none
        return ""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    if exactness == "none":
        return ""
    if exactness == "address":
        return str(address)
    return str(ipaddress.ip_network((str(address), SHOWN_BITS[address.version]), strict=False))
