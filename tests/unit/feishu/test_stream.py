"""A card while an answer is written into it, on a clock moved by hand, against a platform that refuses at will."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.card import Card, card, markdown
from feishu.cardkit import MAX_SEQUENCE, CardKit
from feishu.errors import (
    ApiError,
    CardRejected,
    Forbidden,
    Interacting,
    InvalidRequest,
    RateLimited,
    SequenceBehind,
    ServerError,
    StreamClosed,
    TargetGone,
    Timeout,
    TransportError,
    Unreachable,
)
from feishu.stream import CardStream, Sequence
from feishu.turnstile import Urgency
from tests.support.clock import HandClock

FINAL = card([markdown("whole answer", element_id="answer")])
CLOSED = {"streaming_mode": False, "summary": {"content": "preview"}}
Failure = ApiError | TransportError


class Platform(CardKit):
    """Records every write; `refuse` holds what the next writes of each kind meet. Keeps the law of sequences."""

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


async def test_the_first_text_goes_out_at_once() -> None:
    scene = Scene()
    scene.stream.push("answer", "报")
    await scene.clock.settle()
    assert [(kind, at, sequence) for kind, at, sequence, _ in scene.platform.calls] == [("text", 0.0, 1)]


async def test_frames_are_paced_and_the_newest_text_wins() -> None:
    scene = Scene()
    await scene.type("x" * 100)
    await scene.clock.advance(1)
    scene.assert_lawful()
    assert len(scene.platform.texts()) == pytest.approx(2.0 / 0.2, abs=2)
    assert scene.platform.shown == {"answer": "x" * 100}, "the trailing frame is not lost"
    assert scene.frames[-1] == ("answer", "x" * 100)
    lengths = [len(text) for text in scene.platform.texts()]
    assert lengths == sorted(lengths)


async def test_no_pace_goes_below_the_platforms_floor() -> None:
    scene = Scene(interval_s=0.01)
    await scene.type("x" * 50)
    scene.assert_lawful(0.15)


async def test_a_slow_platform_gets_one_call_at_a_time() -> None:
    scene = Scene(latency_s=1.3)
    await scene.type("x" * 200)
    await scene.clock.advance(5)
    scene.assert_lawful()
    assert scene.platform.shown["answer"] == "x" * 200


async def test_elements_take_turns() -> None:
    scene = Scene()
    for end in range(1, 40):
        scene.stream.push("answer", "a" * end)
        scene.stream.push("reasoning", "r" * end)
        await scene.clock.advance(0.05)
    await scene.clock.advance(1)
    assert scene.platform.shown == {"answer": "a" * 39, "reasoning": "r" * 39}
    elements = [what[0] for _, _, _, what in scene.platform.of("text")]
    assert elements[:6] == ["answer", "reasoning"] * 3


async def test_nothing_is_sent_twice_or_empty() -> None:
    scene = Scene()
    for text in ("", "a", "a", "", "a"):
        scene.stream.push("answer", text)
        await scene.clock.advance(1)
    assert scene.platform.texts() == ["a"]


async def test_the_end_closes_with_the_summary_then_writes_the_whole_card() -> None:
    scene = Scene()
    await scene.type("x" * 20)
    await scene.finish()
    assert [(kind, what) for kind, _, _, what in scene.platform.calls[-2:]] == [("config", CLOSED), ("update", FINAL)]
    assert scene.platform.card == FINAL
    scene.assert_lawful()
    before = len(scene.platform.calls)
    scene.stream.push("answer", "late")
    await scene.clock.advance(5)
    assert len(scene.platform.calls) == before


async def test_the_frame_in_flight_lands_before_the_end() -> None:
    scene = Scene(latency_s=0.5)
    scene.stream.push("answer", "a")
    await scene.clock.advance(0.1)
    scene.stream.push("answer", "ab")
    await scene.finish()
    assert [kind for kind, *_ in scene.platform.calls] == ["text", "config", "update"]
    assert scene.platform.shown == {"answer": "a"}


async def test_a_frame_that_hangs_does_not_hold_the_end_for_ever() -> None:
    scene = Scene(latency_s=300)
    scene.stream.push("answer", "a")
    await scene.clock.advance(1)
    scene.platform.latency_s = 0.02
    await scene.finish()
    assert scene.platform.card == FINAL
    assert scene.clock.monotonic() < 10


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


@pytest.mark.parametrize("failure", TRANSIENT.values(), ids=TRANSIENT.keys())
@pytest.mark.parametrize("times", [1, 3])
async def test_a_frame_refused_for_a_while_comes_again_with_the_newest_text(
    failure: Callable[[], Failure], times: int
) -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [None] + [failure() for _ in range(times)]
    await scene.type("x" * 40)
    await scene.clock.advance(30)
    assert scene.platform.shown["answer"] == "x" * 40
    assert scene.stream.failed is None
    scene.assert_lawful()


@pytest.mark.parametrize("failure", TRANSIENT.values(), ids=TRANSIENT.keys())
@pytest.mark.parametrize("kind", ["config", "update"])
async def test_the_end_is_insisted_upon(failure: Callable[[], Failure], kind: str) -> None:
    scene = Scene()
    scene.platform.refuse[kind] = [failure() for _ in range(4)]
    await scene.type("x" * 10)
    await scene.finish()
    assert (scene.platform.config["streaming_mode"], scene.platform.card) == (False, FINAL)
    scene.assert_lawful()


async def test_a_rate_limit_is_waited_out_before_the_next_frame() -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [rate_limited(2.0)]
    scene.stream.push("answer", "a")
    await scene.clock.advance(1.0)
    scene.stream.push("answer", "ab")
    await scene.clock.advance(3.0)
    assert scene.platform.texts() == ["a", "ab"]
    assert scene.platform.of("text")[1][1] >= 2.0


async def test_a_sequence_that_is_behind_jumps_ahead() -> None:
    scene = Scene()
    scene.platform.floor = 5000
    scene.stream.push("answer", "a")
    await scene.clock.advance(5)
    assert scene.platform.shown == {"answer": "a"}
    assert len(scene.platform.calls) <= 4
    scene.assert_lawful()


async def test_a_closed_stream_is_opened_again() -> None:
    scene = Scene()
    scene.platform.config["streaming_mode"] = False
    await scene.type("x" * 40)
    await scene.clock.advance(1)
    assert scene.platform.of("config")[0][3] == {"streaming_mode": True}
    assert len(scene.platform.of("config")) == 1
    assert scene.platform.shown["answer"] == "x" * 40
    scene.platform.config["streaming_mode"] = False  # ten minutes later it may happen again
    scene.stream.push("answer", "x" * 41)
    await scene.clock.advance(1)
    assert scene.platform.shown["answer"] == "x" * 41


async def test_a_stream_that_stays_closed_waits_for_the_end() -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [StreamClosed(200850, "timeout"), StreamClosed(300309, "closed")]
    await scene.type("x" * 40)
    await scene.clock.advance(5)
    assert (len(scene.platform.of("text")), len(scene.platform.of("config"))) == (2, 1)
    assert scene.stream.failed is None
    await scene.finish()
    assert scene.platform.card == FINAL


async def test_a_reopening_that_fails_for_a_while_is_tried_again() -> None:
    scene = Scene()
    scene.platform.config["streaming_mode"] = False
    scene.platform.refuse["config"] = [Timeout("slow"), Interacting(200810, "clicks")]
    scene.stream.push("answer", "a")
    await scene.clock.advance(20)
    assert scene.platform.shown == {"answer": "a"}
    scene.assert_lawful()


async def test_a_long_stream_is_opened_again_before_the_platform_closes_it() -> None:
    scene = Scene()
    scene.platform.refuse["config"] = [Timeout("slow")]
    for end in range(1, 1300):
        scene.stream.push("answer", "x" * end)
        await scene.clock.advance(1.0)
    reopened = [(at, what) for _, at, _, what in scene.platform.of("config")]
    assert [what for _, what in reopened] == [{"streaming_mode": True}] * 3
    assert [round(at, -1) for at, _ in reopened] == [540, 570, 1110]
    await scene.clock.advance(1.0)
    assert scene.platform.shown == {"answer": "x" * 1299}
    scene.assert_lawful()


async def test_a_stream_is_opened_again_by_time_though_nothing_new_comes() -> None:
    scene = Scene()
    scene.stream.push("answer", "a")
    await scene.clock.advance(1200)
    assert [(at, what) for _, at, _, what in scene.platform.of("config")] == [
        (pytest.approx(540, abs=1), {"streaming_mode": True}),
        (pytest.approx(1080, abs=1), {"streaming_mode": True}),
    ]
    await scene.stream.aclose()


async def test_a_view_is_looked_at_when_a_frame_may_start_and_not_before() -> None:
    scene = Scene()
    looked: list[str] = []

    def view(text: str) -> Callable[[], dict[str, str]]:
        def look() -> dict[str, str]:
            looked.append(text)
            return {"stage": "writing", "answer": text}

        return look

    for end in range(1, 101):
        scene.stream.show(view("x" * end))
        await scene.clock.advance(0.02)
    await scene.clock.advance(1)
    assert scene.platform.shown == {"stage": "writing", "answer": "x" * 100}
    assert len(looked) <= 2 * len(scene.platform.texts()) < 30
    scene.assert_lawful()


async def test_what_stands_aside_waits_for_the_answer_but_has_its_turn_now_and_then() -> None:
    scene = Scene()
    scene.stream._aside = frozenset({"stage"})
    scene.stream.push("stage", "0 s")
    await scene.clock.advance(0.1)
    for end in range(1, 41):
        scene.stream.push("stage", f"{end} s")
        scene.stream.push("answer", "x" * end)
        await scene.clock.advance(0.05)
    elements = [what[0] for _, _, _, what in scene.platform.of("text")]
    assert elements[:5] == ["stage", *["answer"] * 4]
    assert elements[1:].count("stage") == 1, "two seconds hold one more turn"
    await scene.clock.advance(1)
    assert scene.platform.shown == {"stage": "40 s", "answer": "x" * 40}


@pytest.mark.parametrize("failure", [CardRejected(300313, "not find elementID"), InvalidRequest(300310, "no text")])
async def test_an_element_that_takes_no_text_is_left_alone_and_the_others_go_on(failure: ApiError) -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [failure]
    for end in range(1, 20):
        scene.stream.push("reasoning", "r" * end)
        scene.stream.push("answer", "a" * end)
        await scene.clock.advance(0.1)
    await scene.clock.advance(1)
    assert scene.platform.shown == {"answer": "a" * 19}
    assert [what[0] for _, _, _, what in scene.platform.of("text")].count("reasoning") == 1
    await scene.finish()
    assert scene.platform.card == FINAL


async def test_a_frame_that_waits_for_its_turn_does_not_hold_the_end() -> None:
    scene = Scene()
    scene.stream._schedule.slow_down(50)
    scene.stream.push("answer", "a")
    await scene.clock.advance(1)
    await scene.finish()
    assert scene.platform.texts() == []
    assert scene.clock.monotonic() < 2


async def test_closing_that_is_refused_for_long_does_not_keep_the_answer_back() -> None:
    scene = Scene()
    scene.platform.refuse["config"] = [ServerError(300122, "settings failed") for _ in range(9)]
    await scene.type("x" * 10)
    await scene.finish(budget_s=120)
    kinds = [kind for kind, *_ in scene.platform.calls if kind != "text"]
    first = kinds.index("update")
    assert 0 < first < 9 and kinds[first + 1 :] == ["config"] * (10 - first)
    assert scene.platform.card == FINAL | {"config": {"update_multi": True, "streaming_mode": False}}
    assert scene.platform.config["streaming_mode"] is False


async def test_one_call_can_close_and_write() -> None:
    scene = Scene()
    scene.stream._duty._by_put = True
    await scene.type("x" * 10)
    await scene.finish()
    assert [kind for kind, *_ in scene.platform.calls if kind != "text"] == ["update"]
    assert scene.platform.card is not None and scene.platform.card["config"]["streaming_mode"] is False


@pytest.mark.parametrize("failure", TRANSIENT.values(), ids=TRANSIENT.keys())
async def test_an_old_card_is_reset_before_it_streams_again(failure: Callable[[], Failure]) -> None:
    scene = Scene()
    scene.platform.refuse["update"] = [failure(), failure()]
    blank = card([markdown("…", element_id="answer")], streaming=True)
    await scene.clock.run(scene.stream.open(blank))
    assert scene.platform.card == blank
    scene.stream.push("answer", "a")
    await scene.finish()
    assert scene.platform.card == FINAL
    scene.assert_lawful()


async def test_an_old_card_that_is_gone_says_so() -> None:
    scene = Scene()
    scene.platform.refuse["update"] = [TargetGone(200750, "expired")]
    with pytest.raises(TargetGone):
        await scene.clock.run(scene.stream.open(FINAL))


@pytest.mark.parametrize("failure", [TargetGone(230011, "recalled"), Forbidden(99991672, "scope")])
async def test_what_is_gone_or_forbidden_ends_the_frames_silently(failure: ApiError) -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [failure]
    await scene.type("x" * 40)
    await scene.clock.advance(5)
    assert len(scene.platform.calls) == 1
    assert scene.stream.failed is failure


async def test_a_recalled_card_is_left_alone_at_the_end() -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [TargetGone(230011, "recalled")]
    scene.stream.push("answer", "a")
    await scene.clock.advance(1)
    with pytest.raises(TargetGone):
        await scene.finish()
    assert len(scene.platform.calls) == 1


async def test_text_that_is_refused_waits_for_the_end() -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [CardRejected(200570, "image")]
    await scene.type("x" * 40)
    await scene.clock.advance(5)
    assert (len(scene.platform.calls), scene.stream.failed) == (1, None)
    await scene.finish()
    assert scene.platform.card == FINAL


@pytest.mark.parametrize(
    "failure", [TargetGone(230011, "recalled"), CardRejected(11310, "tables"), Forbidden(300311, "x")]
)
async def test_the_end_is_not_insisted_upon_when_time_does_not_heal(failure: ApiError) -> None:
    scene = Scene()
    scene.platform.refuse["update"] = [failure]
    with pytest.raises(type(failure)):
        await scene.finish()
    assert [kind for kind, *_ in scene.platform.calls] == ["config", "update"]
    repaired = card([markdown("repaired")])
    await scene.finish(repaired)
    assert scene.platform.card == repaired
    assert len(scene.platform.of("config")) == 1, "what is closed is not closed again"


@pytest.mark.parametrize("failure", [CardRejected(230022, "sensitive"), InvalidRequest(10002, "param")])
async def test_a_refused_summary_does_not_leave_the_card_open(failure: ApiError) -> None:
    scene = Scene()
    scene.platform.refuse["config"] = [failure]
    await scene.finish()
    assert [what for _, _, _, what in scene.platform.of("config")] == [CLOSED, {"streaming_mode": False}]
    assert scene.platform.card == FINAL


async def test_the_last_error_is_raised_when_the_time_is_spent() -> None:
    scene = Scene()
    scene.platform.refuse["update"] = [Unreachable(str(number)) for number in range(1000)]
    with pytest.raises(Unreachable):
        await scene.finish(budget_s=60)
    assert 45 <= scene.clock.monotonic() <= 61
    tries = [at for _, at, _, _ in scene.platform.of("update")]
    gaps = [later - earlier for earlier, later in itertools.pairwise(tries)]
    assert gaps[0] < 1 < max(gaps) < 9, "waits grow, but not without end"
    assert len(tries) < 20
    scene.platform.refuse.clear()
    await scene.finish()
    assert scene.platform.card == FINAL


async def test_a_cancelled_end_can_be_taken_up_again() -> None:
    scene = Scene(latency_s=1.0)
    scene.stream.push("answer", "a")
    await scene.clock.advance(0.5)
    ending = asyncio.create_task(scene.stream.finish(FINAL, summary="preview"))
    await scene.clock.advance(0.1)
    ending.cancel()
    await asyncio.wait({ending})
    assert ending.cancelled()
    await scene.finish()
    assert (scene.platform.config["streaming_mode"], scene.platform.card) == (False, FINAL)
    scene.assert_lawful()


@pytest.mark.parametrize("moment_s", [0.0, 0.01, 0.1, 0.25])
async def test_closing_leaves_no_task(moment_s: float) -> None:
    scene = Scene()
    await scene.stream.aclose()
    scene = Scene()
    scene.stream.push("answer", "a")
    scene.stream.push("reasoning", "b")
    await scene.clock.advance(moment_s)
    await scene.stream.aclose()
    await scene.stream.aclose()
    assert len(asyncio.all_tasks()) == 1
    scene.stream.push("answer", "ab")
    assert len(asyncio.all_tasks()) == 1


async def test_a_store_that_fails_ends_the_frames_not_the_answer() -> None:
    broken = True

    async def reserve(ceiling: int) -> None:
        if broken:
            raise OSError("disk full")

    scene = Scene(sequence=Sequence(reserve=reserve))
    await scene.type("x" * 10)
    assert scene.platform.calls == []
    broken = False
    await scene.finish()
    assert scene.platform.card == FINAL


failures = st.sampled_from([None, None, *TRANSIENT.values(), lambda: StreamClosed(200850, "timeout")])


@given(
    st.lists(failures, max_size=8),
    st.lists(failures, max_size=4),
    st.lists(failures, max_size=4),
    st.lists(st.tuples(st.sampled_from(["answer", "reasoning"]), st.sampled_from([0.0, 0.03, 0.2, 1.0])), max_size=25),
    st.sampled_from([0.0, 0.08, 0.7]),
)
def test_whatever_is_refused_the_card_ends_whole_and_closed(
    texts: list[Any], configs: list[Any], updates: list[Any], pushes: list[tuple[str, float]], latency_s: float
) -> None:
    async def scenario() -> None:
        scene = Scene(latency_s=latency_s)
        for kind, refusals in (("text", texts), ("config", configs), ("update", updates)):
            scene.platform.refuse[kind] = [make() if make else None for make in refusals]
        for kind in ("config", "update"):  # the end never hears that streaming is over while it is not
            scene.platform.refuse[kind] = [
                found for found in scene.platform.refuse[kind] if not isinstance(found, StreamClosed)
            ]
        written = ""
        for element_id, pause_s in pushes:
            written += "x"
            scene.stream.push(element_id, written)
            await scene.clock.advance(pause_s)
        await scene.finish(budget_s=600)
        assert scene.platform.card is not None and scene.platform.card["body"] == FINAL["body"]
        assert not scene.platform.config["streaming_mode"]
        scene.assert_lawful()
        await scene.stream.aclose()
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(scenario())


async def test_a_number_is_reserved_before_it_is_used() -> None:
    ceilings: list[int] = []

    async def reserve(ceiling: int) -> None:
        assert not ceilings or sequence.last >= ceilings[-1]
        ceilings.append(ceiling)

    sequence = Sequence(7, reserve=reserve, block=3)
    assert [await sequence.next() for _ in range(7)] == [8, 9, 10, 11, 12, 13, 14]
    assert ceilings == [10, 13, 16]
    sequence.jump(1000)
    assert await sequence.next() == 1015
    assert ceilings[-1] == 1017


async def test_numbers_asked_for_at_once_are_all_different() -> None:
    async def reserve(ceiling: int) -> None:
        await asyncio.sleep(0)

    sequence = Sequence(reserve=reserve, block=2)
    numbers = await asyncio.gather(*(sequence.next() for _ in range(20)))
    assert sorted(numbers) == list(range(1, 21))


async def test_numbers_end_where_the_platform_ends() -> None:
    sequence = Sequence(MAX_SEQUENCE - 1)
    assert await sequence.next() == MAX_SEQUENCE
    for exhausted in (sequence, Sequence(MAX_SEQUENCE, reserve=lambda ceiling: asyncio.sleep(0))):
        with pytest.raises(OverflowError):
            await exhausted.next()
