"""Which connections a door closes, and which it never does. Time is moved by hand."""

import resource
from ipaddress import ip_network
from typing import Any

import pytest
import structlog

from bot import connections as module
from bot.connections import LEAST, LOG_EVERY_S, MOST, Connections, Limits, Phase, Reason, is_within, room

LIMITS = Limits(4, head_s=10, body_s=30, reader_s=60)
FAR = 1e9


class Client:
    """A connection in whatever phase the test says."""

    def __init__(self, address: str = "198.51.100.7", phase: Phase = "head") -> None:
        self.address = address
        self.at: tuple[Phase, object] = (phase, None)
        self.ended: list[Reason | None] = []

    def phase(self) -> tuple[Phase, object]:
        return self.at

    def end(self, reason: Reason | None) -> None:
        self.ended.append(reason)


def door(limits: Limits = LIMITS, **how: Any) -> Connections:
    return Connections("public", limits, **how)


@pytest.mark.parametrize(
    ("phase", "after_s", "reason"),
    [
        ("head", 10, "head_late"),
        ("idle", 75, None),
        ("body", 30, "body_late"),
        ("reply", 60, "reader_late"),
        ("closing", 60, "reader_late"),
    ],
)
def test_a_client_that_lets_us_wait_is_closed_in_time(phase: Phase, after_s: float, reason: Reason | None) -> None:
    watched, client = door(), Client(phase=phase)
    assert watched.admit(client, 0)
    watched.sweep(0)
    watched.sweep(after_s - 1)
    assert client.ended == []
    watched.sweep(after_s)
    assert client.ended == [reason]


def test_what_is_worked_on_is_never_cut_and_a_reader_who_reads_neither() -> None:
    watched, asking, reading = door(), Client(phase="work"), Client(phase="reply")
    for client in (asking, reading):
        assert watched.admit(client, 0)
    for moment in range(100):
        reading.at = ("reply", moment)  # the buffer was emptied since
        watched.sweep(moment * 50.0)
    watched.sweep(FAR)
    assert asking.ended == [] and reading.ended == ["reader_late"]


def test_a_head_that_drips_in_counts_from_its_beginning_and_each_request_anew() -> None:
    watched, client = door(), Client()
    watched.admit(client, 0)
    for moment in (0, 5, 9):
        watched.sweep(moment)
    client.at = ("work", "first request")
    watched.sweep(10)
    client.at = ("head", "first request")
    for moment in (11, 20):
        watched.sweep(moment)
        assert client.ended == []
    watched.sweep(21)
    assert client.ended == ["head_late"]


def test_where_it_is_full_the_longest_waiting_gives_way_and_never_one_that_is_served() -> None:
    watched = door()
    served, first, second, third = (Client(f"198.51.100.{n}") for n in range(4))
    for client in (served, first, second, third):
        assert watched.admit(client, 0)
    served.at = ("work", 1)
    new = Client("198.51.100.9")
    assert watched.admit(new, 1)
    assert [client.ended for client in (served, first, second, third, new)] == [[], ["full"], [], [], []]
    assert len(watched) == LIMITS.most
    for client in (second, third, new):
        client.at = ("work", 1)
    assert not watched.admit(Client("198.51.100.10"), 2), "everybody is being served"
    assert len(watched) == LIMITS.most


@pytest.mark.parametrize("address", ["198.51.100.7", "2001:db8::1"])
def test_one_address_gets_half_of_a_door_and_pushes_out_only_its_own(address: str) -> None:
    watched = door()
    neighbour, first, second = Client("198.51.100.1"), Client(address), Client(address)
    for client in (neighbour, first, second):
        assert watched.admit(client, 0)
    assert watched.admit(Client(address), 1)
    assert (neighbour.ended, first.ended, second.ended) == ([], ["address_full"], [])
    second.at = ("work", 1)
    watched.admit(Client(address), 2)
    assert neighbour.ended == []


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "", "10.1.2.3", "::ffff:10.1.2.3"])
def test_this_machine_and_proxies_speak_for_many(address: str) -> None:
    watched = door(trusted=[ip_network("10.0.0.0/8")])
    clients = [Client(address) for _ in range(LIMITS.most)]
    assert all(watched.admit(client, 0) for client in clients)
    assert all(client.ended == [] for client in clients)


def test_what_is_closed_makes_room_and_leaves_nothing_behind() -> None:
    watched = door()
    for number in range(1000):
        client = Client(f"198.51.100.{number % 250}")
        assert watched.admit(client, number)
        watched.forget(client)
        watched.forget(client)
        assert client.ended == []
    assert len(watched) == 0
    assert not watched._of_address


def test_it_is_said_at_most_once_a_minute_with_the_number_and_counted_every_time() -> None:
    counted: list[tuple[str, Reason | None, int]] = []
    watched = door(observe=lambda *told: counted.append(told))
    with structlog.testing.capture_logs() as lines:
        for number in range(LIMITS.most + 20):
            watched.admit(Client(f"198.51.100.{number}"), 0)
        assert [(line["why"], line["count"]) for line in lines] == [("full", 1)]
        watched.sweep(LOG_EVERY_S)
    told = [line for line in lines if line["why"] == "full"]
    assert [line["count"] for line in told] == [1, 19]
    assert told[0] | {"door": "public", "most": 4, "event": "connections_closed"} == told[0]
    assert sum(reason == "full" for _, reason, _ in counted) == 20


@pytest.mark.parametrize(
    ("allowed", "used", "each"),
    [(256, 56, 50), (1024, 124, 225), (10**6, 100, MOST), (64, 60, LEAST), (resource.RLIM_INFINITY, 9, MOST)],
)
def test_half_of_the_free_descriptors_are_kept_back(
    monkeypatch: pytest.MonkeyPatch, allowed: int, used: int, each: int
) -> None:
    monkeypatch.setattr(module.resource, "getrlimit", lambda _which: (allowed, allowed))
    monkeypatch.setattr(module, "_descriptors", lambda: used)
    assert room(doors=2) == each


def test_addresses_that_are_none_are_not_strangers_to_the_rules() -> None:
    assert not is_within("198.51.100.1", [ip_network("10.0.0.0/8")], loopback=True)
    assert is_within("fe80::1%eth0", [ip_network("fe80::/10")])
    assert not is_within("2001:db8::1", [ip_network("10.0.0.0/8")])
