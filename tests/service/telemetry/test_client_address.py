import pytest

from service.telemetry.client_address import Exactness, shown_client


@pytest.mark.parametrize(
    ("host", "exactness", "shown"),
    [
        ("192.0.2.17", "network", "192.0.2.0/24"),
        ("192.0.2.17", "address", "192.0.2.17"),
        ("192.0.2.17", "none", ""),
        ("2001:db8:1:2:3::4", "network", "2001:db8:1::/48"),
        ("2001:db8:1:2:3::4", "address", "2001:db8:1:2:3::4"),
        ("::ffff:192.0.2.17", "network", "192.0.2.0/24"),
        ("testclient", "address", ""),
    ],
)
def test_a_client_is_shown_as_exactly_as_is_wanted(
    host: str, exactness: Exactness, shown: str
) -> None:
    assert shown_client({"type": "http", "client": (host, 1)}, exactness) == shown


def test_a_socket_without_a_client_shows_nothing() -> None:
    assert shown_client({"type": "http", "client": None}, "address") == ""
