"""A card stream on a clock moved by hand, against a platform that refuses at will and keeps the rule of sequences."""

import itertools
from collections.abc import Callable
from typing import Any

from feishu.api.cardkit import CardKit
from feishu.cards.elements import Card, card, markdown
from feishu.errors import (
    ApiError,
    Interacting,
    RateLimited,
    SequenceBehind,
    ServerError,
    StreamClosed,
    Timeout,
    TransportError,
    Unreachable,
)
from feishu.ratelimit import Urgency
from feishu.streaming.stream import CardStream, Sequence
from tests.support.clock import HandClock

FINAL = card([markdown("whole answer", element_id="answer")])
CLOSED = {"streaming_mode": False, "summary": {"content": "preview"}}
Failure = ApiError | TransportError


class Platform(CardKit):
    """Records every write; `refuse` holds what the next writes of each kind meet. Keeps the rule of sequences."""

    def __init__(self, clock: HandClock, latency_s: float = 0.02) -> None:
        self.clock = clock
        self.latency_s = latency_s
        self.calls: list[tuple[str, float, int, Any]] = []
        self.refuse: dict[str, list[Failure | None]] = {}
        self.floor = 0
        self.shown: dict[str, str] = {}
        self.card: Card | None = None
        self.config: dict[str, Any] = {"streaming_mode": True}
        self.in_flight = 0

    async def stream_text(self, card_id: str, element_id: str, content: str, *, sequence: int) -> None:
        await self._write("text", sequence, (element_id, content))
        if not self.config["streaming_mode"]:
            raise StreamClosed(300309, "closed")
        self.shown[element_id] = content

    async def set_config(
        self, card_id: str, config: dict[str, Any], *, sequence: int, urgency: Urgency = Urgency.NORMAL
    ) -> None:
        await self._write("config", sequence, config)
        self.config |= config

    async def update(self, card_id: str, card: Card, *, sequence: int, urgency: Urgency = Urgency.NORMAL) -> None:
        await self._write("update", sequence, card)
        self.card = card

    async def _write(self, kind: str, sequence: int, what: Any) -> None:
        assert not self.in_flight, "one call in flight for a card"
        self.in_flight += 1
        try:
            self.calls.append((kind, self.clock.monotonic(), sequence, what))
            await self.clock.sleep(self.latency_s)
            failure = self.refuse[kind].pop(0) if self.refuse.get(kind) else None
            if failure is not None:
                raise failure
            if sequence <= self.floor:
                raise SequenceBehind(300317, "sequence")
            self.floor = sequence
        finally:
            self.in_flight -= 1

    def of(self, kind: str) -> list[tuple[str, float, int, Any]]:
        return [call for call in self.calls if call[0] == kind]

    def texts(self) -> list[str]:
        return [what[1] for _, _, _, what in self.of("text")]


class Scene:
    def __init__(self, *, interval_s: float = 0.2, latency_s: float = 0.02, sequence: Sequence | None = None) -> None:
        self.clock = HandClock()
        self.platform = Platform(self.clock, latency_s)
        self.frames: list[tuple[str, str]] = []
        self.stream = CardStream(
            self.platform,
            "7371",
            sequence or Sequence(),
            interval_s=interval_s,
            clock=self.clock,
            on_frame=lambda element_id, text: self.frames.append((element_id, text)),
        )

    async def type(self, text: str, *, every_s: float = 0.02) -> None:
        for end in range(1, len(text) + 1):
            self.stream.push("answer", text[:end])
            await self.clock.advance(every_s)

    async def finish(self, made: Card = FINAL, *, budget_s: float = 60) -> None:
        await self.clock.run(self.stream.finish(made, summary="preview", budget_s=budget_s))

    def assert_lawful(self, interval_s: float = 0.2) -> None:
        starts = [at for _, at, _, _ in self.platform.of("text")]
        assert all(later - earlier >= interval_s - 1e-9 for earlier, later in itertools.pairwise(starts))
        numbers = [sequence for _, _, sequence, _ in self.platform.calls]
        assert numbers == sorted(set(numbers)), "numbers rise and are never used again"


def rate_limited(wait_s: float) -> RateLimited:
    found = RateLimited(99991400, "slow down", http_status=429)
    found.wait_s = wait_s
    return found


TRANSIENT: dict[str, Callable[[], Failure]] = {
    "rate": lambda: rate_limited(2.0),
    "chat rate": lambda: RateLimited(230020, "slow"),
    "interacting": lambda: Interacting(200810, "somebody clicks"),
    "sequence": lambda: SequenceBehind(300317, "sequence"),
    "server": lambda: ServerError(2200, "oops", http_status=500),
    "timeout": lambda: Timeout("slow"),
    "unreachable": lambda: Unreachable("down"),
    "undocumented": lambda: ApiError(123456, "what"),
}
