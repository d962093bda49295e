import pytest

from service.intake.clients import client_network


@pytest.mark.parametrize(
    ("client", "network"),
    [
        (("203.0.113.7", 1234), "203.0.113.7"),
        (("::ffff:203.0.113.7", 1234), "203.0.113.7"),
        (("2001:db8:1:2:3:4:5:6", 1234), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 1234), "fe80::/64"),
        (("testclient", 50000), "testclient"),
        (None, ""),
    ],
)
def test_a_client_is_an_address_or_the_network_that_one_has(
    client: tuple[str, int] | None, network: str
) -> None:
    assert client_network({"type": "http", "client": client}) == network


def test_two_addresses_of_one_network_are_one_client() -> None:
    one, other = ({"client": (f"2001:db8::{n}", 1)} for n in (1, 2))
    assert client_network(one) == client_network(other)
