"""Faults on demand: for endpoint X, the nth call or the next k calls, something goes wrong."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any


@dataclass(slots=True)
class Fault:
    """One planned misfortune.

    endpoint     name or pattern, like `card.content`, `card.*`, `*`
    skip         matching calls that still go well before it starts
    times        calls it spoils; None for all from then on
    delay_s      real seconds to wait before anything else: the call arrives late
    late_s       real seconds to wait before the answer is given: the call has taken effect long before
    status, code, msg, headers, html    what is answered instead; `html` makes it a proxy's page
    drop         the connection is cut instead of an answer
    applied      the call takes effect all the same (with `drop`: a lost acknowledgement)
    revoke_token every token of the calling app stops being valid before the call is looked at
    match        only calls whose JSON body contains this text
    """

    endpoint: str
    skip: int = 0
    times: int | None = 1
    delay_s: float = 0.0
    late_s: float = 0.0
    status: int | None = None
    code: int | None = None
    msg: str = "injected fault"
    headers: dict[str, str] = field(default_factory=dict)
    html: str | None = None
    drop: bool = False
    applied: bool = False
    revoke_token: bool = False
    match: str = ""
    hits: int = 0

    def concerns(self, endpoint: str, body: str) -> bool:
        """Does this call meet the fault? Counts the skipped ones."""
        if not fnmatchcase(endpoint, self.endpoint) or self.match not in body:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.times is not None:
            if self.times <= 0:
                return False
            self.times -= 1
        self.hits += 1
        return True

    @property
    def answers(self) -> bool:
        """Is something else than the platform's own reply given?"""
        return self.drop or self.html is not None or self.code is not None or self.status is not None


class Faults:
    """The planned misfortunes, in the order they were planned."""

    def __init__(self) -> None:
        self.planned: list[Fault] = []

    def plan(self, endpoint: str, **how: Any) -> Fault:
        """Add one; see `Fault` for the words."""
        fault = Fault(endpoint, **how)
        self.planned.append(fault)
        return fault

    def clear(self) -> None:
        """Forget all."""
        self.planned.clear()

    def meet(self, endpoint: str, body: str) -> Fault | None:
        """The first fault this call meets."""
        return next((fault for fault in self.planned if fault.concerns(endpoint, body)), None)
