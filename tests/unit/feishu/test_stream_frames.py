"""Frames of a card while an answer is written into it: paced, newest first, refused and sent again."""

from collections.abc import Callable

import pytest

from feishu.errors import (
    ApiError,
    CardRejected,
    Forbidden,
    InvalidRequest,
    TargetGone,
)
from tests.support.card_stream import FINAL, TRANSIENT, Failure, Scene, rate_limited


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


@pytest.mark.parametrize("failure", [TargetGone(230011, "recalled"), Forbidden(99991672, "scope")])
async def test_what_is_gone_or_forbidden_ends_the_frames_silently(failure: ApiError) -> None:
    scene = Scene()
    scene.platform.refuse["text"] = [failure]
    await scene.type("x" * 40)
    await scene.clock.advance(5)
    assert len(scene.platform.calls) == 1
    assert scene.stream.failed is failure
