"""Which connections a door keeps: how long a client may take, and how many there may be.

Half-sent requests, replies that nobody reads and idle connections cost a descriptor each. They are closed in time, and
where a door is full the one that has waited longest for its client gives way, so that a whole request always gets in.
A request that is being worked on is never cut, however long it takes. Knows no server; `bot.server` does.
"""

import os
import resource
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Literal, Protocol

import structlog

log = structlog.get_logger(__name__)

Phase = Literal["idle", "head", "body", "work", "reply", "closing"]
"""What a connection waits for: another request, the rest of its headers (or a first request), its body, our answer, the
reader of our answer, or the end of what is still to be sent."""
Reason = Literal["head_late", "body_late", "reader_late", "full", "address_full"]
Network = IPv4Network | IPv6Network

LEAST, MOST = 16, 4_096
"""Connections of one door, whatever the system allows."""
LOG_EVERY_S = 60.0
WAITING: tuple[Phase, ...] = ("idle", "head", "body")
LATE: dict[Phase, Reason] = {
    "head": "head_late",
    "body": "body_late",
    "reply": "reader_late",
    "closing": "reader_late",
}


class Connection(Protocol):
    """One client's connection. It must be hashable by identity."""

    @property
    def address(self) -> str:
        """The client's IP address, "" where there is none."""

    def phase(self) -> tuple[Phase, object]:
        """What it waits for, and something that differs whenever it has got on since."""

    def end(self, reason: Reason | None) -> None:
        """Closes it, with a status where that can still be read. `reason` is None for an idle one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections, and the longest that each may stay in a phase, in seconds."""

    most: int
    head_s: float = 10.0
    body_s: float = 35.0
    """A little above what the apps allow (`BODY_S`), which can still answer 408."""
    idle_s: float = 75.0
    """Longer than a proxy (nginx: 60 s) and most clients keep a connection, so that it is they who close it: a request
    that meets our closing is lost, and a click is not sent again."""
    reader_s: float = 60.0
    """Without a reader taking anything off a full buffer."""

    @property
    def most_of_address(self) -> int:
        """Of one address: half, so that nobody alone can fill a door."""
        return max(1, self.most // 2)

    def seconds(self, phase: Phase) -> float | None:
        """None where there is no limit."""
        if phase in ("reply", "closing"):
            return self.reader_s
        return {"idle": self.idle_s, "head": self.head_s, "body": self.body_s}.get(phase)


def room(doors: int = 2) -> int:
    """Connections for each door: half of the descriptors that are free now are kept back for calls to the platform and
    the model, the store and the index; the doors share the rest."""
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    if allowed == resource.RLIM_INFINITY:
        return MOST
    return min(MOST, max(LEAST, (allowed - _descriptors()) // 2 // doors))


def _descriptors() -> int:
    """How many this process has open."""
    for folder in ("/proc/self/fd", "/dev/fd"):
        if os.path.isdir(folder):
            return len(os.listdir(folder))
    return 64


@dataclass(slots=True)
class _Seen:
    """What a connection was in at the last look, and since when."""

    phase: Phase
    mark: object
    since: float


class Connections:
    """Those of one door. `observe` hears of each that is closed and how many are open."""

    def __init__(
        self,
        door: str,
        limits: Limits,
        *,
        trusted: Sequence[Network] = (),
        observe: Callable[[str, Reason | None, int], None] = lambda _door, _reason, _open: None,
    ) -> None:
        """`trusted`: proxies, which like this machine itself speak for many and have no limit of their own."""
        self.limits = limits
        self._door = door
        self._trusted = tuple(trusted)
        self._observe = observe
        self._seen: dict[Connection, _Seen] = {}  # in the order of their coming
        self._of_address: dict[str, int] = {}
        self._untold: dict[Reason, int] = {}
        self._told_at: dict[Reason, float] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def admit(self, connection: Connection, now: float) -> bool:
        """Takes it in, and where there is no room, the longest waiting one out; False if all are being worked on.

        `now` is in seconds of any steady clock, here and below."""
        address = connection.address
        is_one_of_many = self._is_exempt(address)
        if not is_one_of_many and self._of_address.get(address, 0) >= self.limits.most_of_address:
            if not self._give_way("address_full", now, address):
                return False
        elif len(self._seen) >= self.limits.most and not self._give_way("full", now):
            return False
        self._seen[connection] = _Seen("head", None, now)
        self._of_address[address] = self._of_address.get(address, 0) + 1
        self._observe(self._door, None, len(self._seen))
        return True

    def forget(self, connection: Connection) -> None:
        """It is closed. May be repeated."""
        if self._seen.pop(connection, None) is None:
            return
        address = connection.address
        self._of_address[address] -= 1
        if not self._of_address[address]:
            del self._of_address[address]
        self._observe(self._door, None, len(self._seen))

    def sweep(self, now: float) -> None:
        """Closes what has been in one phase for too long. Called every second or so."""
        for connection, seen in list(self._seen.items()):
            phase, mark = connection.phase()
            if (phase, mark) != (seen.phase, seen.mark):
                seen.phase, seen.mark, seen.since = phase, mark, now
                continue
            longest_s = self.limits.seconds(phase)
            if longest_s is not None and now - seen.since >= longest_s:
                seen.since = now  # where the end takes its time, it is asked for again
                reason = LATE.get(phase)
                connection.end(reason)
                if reason:
                    self._count(reason, now)
        self._tell(now)

    def _give_way(self, reason: Reason, now: float, address: str | None = None) -> bool:
        """Ends the oldest one (of the address) that waits for its client, if there is any."""
        for connection in self._seen:
            if address in (None, connection.address) and connection.phase()[0] in WAITING:
                self.forget(connection)
                connection.end(reason)
                self._count(reason, now)
                return True
        self._count(reason, now)
        return False

    def _count(self, reason: Reason, now: float) -> None:
        self._observe(self._door, reason, len(self._seen))
        self._untold[reason] = self._untold.get(reason, 0) + 1
        self._tell(now)

    def _tell(self, now: float) -> None:
        """A line for each reason at most once a minute, with how many there were since the last."""
        for reason, count in list(self._untold.items()):
            if now - self._told_at.get(reason, -LOG_EVERY_S) >= LOG_EVERY_S:
                self._told_at[reason] = now
                del self._untold[reason]
                most = self.limits.most
                log.warning(
                    "connections_closed", door=self._door, why=reason, count=count, open=len(self._seen), most=most
                )

    def _is_exempt(self, address: str) -> bool:
        return is_within(address, self._trusted, loopback=True)


def is_within(address: str, networks: Sequence[Network], *, loopback: bool = False) -> bool:
    """Whether an address is one of these; what is no address (a Unix socket) counts as this machine."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return loopback
    found = getattr(found, "ipv4_mapped", None) or found
    return (loopback and found.is_loopback) or any(found in network for network in networks)
