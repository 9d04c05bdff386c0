"""Streaming mode that ends by itself, ten minutes after it was opened, and is opened again."""

import pytest

from feishu.errors import (
    Interacting,
    StreamClosed,
    Timeout,
)
from tests.support.card_stream import FINAL, Scene


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
