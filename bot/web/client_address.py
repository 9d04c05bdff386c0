"""Who is at the other end: the peer, or what a trusted proxy says of its own client. Nobody else is believed."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

from starlette.requests import HTTPConnection

from bot.connections import Network, is_within

V6_PREFIX = 64
"""One subscriber has all addresses of such a network."""


def client_address(connection: HTTPConnection, proxies: Sequence[Network]) -> str:
    """The client's IP address, "" where there is none. Of `X-Forwarded-For` the last entry counts that no proxy of
    ours has written, as anybody can write the ones before."""
    peer = connection.client.host if connection.client else ""
    if not proxies or not is_within(peer, proxies):
        return peer
    found = peer
    for entry in reversed(",".join(connection.headers.getlist("x-forwarded-for")).split(",")):
        address = _without_port(entry.strip())
        if not _is_address(address):
            break
        found = address
        if not is_within(address, proxies):
            break
    return found


def block_of(address: str) -> str:
    """What is counted as one client: an IPv4 address, or the network of an IPv6 address."""
    if not _is_address(address):
        return address
    found = ip_address(address)
    found = getattr(found, "ipv4_mapped", None) or found
    return str(found) if found.version == 4 else str(ip_network((int(found), V6_PREFIX), strict=False))


def _without_port(entry: str) -> str:
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
