"""Who a request is from: nobody is believed but the proxies that the settings name."""

from ipaddress import ip_network
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from bot.web.client_address import block_of, client_address

PROXIES = [ip_network("10.0.0.0/8"), ip_network("fd00::/8")]


def connection(peer: str | None, *forwarded: str, **more: str) -> HTTPConnection:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
    scope: dict[str, Any] = {"type": "http", "headers": headers, "client": (peer, 1) if peer else None}
    return HTTPConnection(scope)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("198.51.100.7", ["203.0.113.1"], "198.51.100.7"),
        ("10.0.0.1", ["203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.1"], "203.0.113.1"),
        ("10.0.0.1", ["1.1.1.1", "203.0.113.1, 10.9.9.9"], "203.0.113.1"),
        ("10.0.0.1", ["203.0.113.1:4711"], "203.0.113.1"),
        ("fd00::1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["unknown"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.1, unknown, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["x" * 5000, "\xff\x00"], "10.0.0.1"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        (None, ["203.0.113.1"], ""),
    ],
)
def test_only_what_a_trusted_proxy_wrote_counts(peer: str | None, forwarded: list[str], address: str) -> None:
    assert client_address(connection(peer, *forwarded), PROXIES) == address
    assert client_address(connection(peer, *forwarded), []) == (peer or "")


def test_other_forwarding_headers_are_not_believed() -> None:
    told = connection("10.0.0.1", x_real_ip="203.0.113.1", forwarded="for=203.0.113.1")
    assert client_address(told, PROXIES) == "10.0.0.1"


def test_a_subscriber_is_one_client_whatever_the_number_of_addresses() -> None:
    assert block_of("2001:db8:1:2:3:4:5:6") == block_of("2001:db8:1:2::9") != block_of("2001:db8:1:3::9")
    assert block_of("::ffff:198.51.100.7") == block_of("198.51.100.7") != block_of("198.51.100.8")
    assert block_of("") == ""
