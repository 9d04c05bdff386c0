"""The end of a card is a duty: insisted upon, not repeated, and reached whatever is refused."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feishu.cards.elements import card, markdown
from feishu.errors import (
    ApiError,
    CardRejected,
    Forbidden,
    InvalidRequest,
    ServerError,
    StreamClosed,
    TargetGone,
    Unreachable,
)
from feishu.streaming.stream import Sequence
from tests.support.card_stream import CLOSED, FINAL, TRANSIENT, Failure, Scene


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


@pytest.mark.parametrize("failure", TRANSIENT.values(), ids=TRANSIENT.keys())
@pytest.mark.parametrize("kind", ["config", "update"])
async def test_the_end_is_insisted_upon(failure: Callable[[], Failure], kind: str) -> None:
    scene = Scene()
    scene.platform.refuse[kind] = [failure() for _ in range(4)]
    await scene.type("x" * 10)
    await scene.finish()
    assert (scene.platform.config["streaming_mode"], scene.platform.card) == (False, FINAL)
    scene.assert_lawful()


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
