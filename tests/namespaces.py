"""Hosts on one network, as network namespaces of this machine; they see the same files."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

IP = shutil.which("ip", path="/usr/sbin:/usr/bin:/sbin:/bin")
# Set aside for tests by RFC 2544; nothing of it leaves the namespaces.
SUBNET = "198.18.0"
SWITCH = "switch"
BRIDGE = "bridge"


class Network:
    """Hosts, each with an address and a cable to a switch; see :func:`network`."""

    def __init__(self, hosts: tuple[str, ...]) -> None:
        self.addresses = {host: f"{SUBNET}.{n}" for n, host in enumerate(hosts, start=1)}

    def at(self, host: str, *command: str) -> list[str]:
        """Return what starts a command on a host, as the process that it is."""
        return [str(IP), "netns", "exec", _namespace(host), *command]

    def cut(self, host: str) -> None:
        """Pull the cable of a host."""
        _ip("-n", _namespace(SWITCH), "link", "set", host, "down")

    def mend(self, host: str) -> None:
        """Plug the cable of a host in again."""
        _ip("-n", _namespace(SWITCH), "link", "set", host, "up")


@contextmanager
def network(*hosts: str) -> Iterator[Network]:
    """Return a network of hosts with these names, which ends with the ``with`` statement.

    What was started on a host must have ended before.
    """
    made = Network(hosts)
    with ExitStack() as stack:
        for namespace in map(_namespace, (SWITCH, *hosts)):
            _ip("netns", "add", namespace)
            stack.callback(_ip, "netns", "delete", namespace)
            _ip("-n", namespace, "link", "set", "lo", "up")
        in_switch = ("-n", _namespace(SWITCH), "link")
        _ip(*in_switch, "add", BRIDGE, "type", "bridge")
        _ip(*in_switch, "set", BRIDGE, "up")
        for host, address in made.addresses.items():
            there = _namespace(host)
            _ip(*in_switch, "add", host, "type", "veth", "peer", "name", "eth0", "netns", there)
            _ip(*in_switch, "set", host, "master", BRIDGE, "up")
            _ip("-n", there, "address", "add", f"{address}/24", "dev", "eth0")
            _ip("-n", there, "link", "set", "eth0", "up")
        yield made


@cache
def may_make_networks() -> bool:
    """Return whether this user may make network namespaces here."""
    try:
        with network():
            return True
    except (OSError, subprocess.CalledProcessError):
        return False


def _namespace(host: str) -> str:
    return f"music-{os.getpid()}-{host}"


def _ip(*words: str) -> None:
    if IP is None:
        raise FileNotFoundError("there is no program ip; install the package iproute2")
    subprocess.run([IP, *words], check=True, capture_output=True)  # noqa: S603  # our own words
