"""Who sends a request, as far as an address tells."""

import ipaddress

from starlette.types import Scope

# One customer of a provider has so many addresses of version 6.
OWN_PREFIX_BITS = 64


def client_network(scope: Scope) -> str:
    """Return the address that a request comes from; of version 6, the network that one client has.

    Behind a proxy that is trusted, it is the address that the proxy names: Uvicorn has put it in
    the scope.
    """
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ipaddress.ip_address(host)
    except ValueError:  # a socket of the file system has none
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), OWN_PREFIX_BITS), strict=False))
