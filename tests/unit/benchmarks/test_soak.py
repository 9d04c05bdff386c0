"""What benchmarks/soak.py makes of a run: growth, what is judged, and the figures."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.soak import Judged, Sample, growth, judged, plot, report
from feishu.sandbox import Sandbox
from tests.support.crowd import Crowd


def sample(at_s: float, memory_mb: float) -> Sample:
    return Sample(at_s, memory_mb, descriptors=20, threads=9, cpu_s=at_s / 10, asked=int(at_s))


def test_growth_is_that_of_the_second_half() -> None:
    warming = [sample(each * 5.0, 100 + each) for each in range(20)]
    flat = [sample(100 + each * 5.0, 120.0) for each in range(20)]
    assert growth([*warming, *flat], lambda each: each.memory_mb) == pytest.approx(0.0)
    assert growth(warming, lambda each: each.memory_mb) == pytest.approx(3600 / 5)
    assert growth(warming[:2], lambda each: each.memory_mb) == 0.0


def test_the_figures_hold_start_most_end_and_growth() -> None:
    samples = [sample(each * 5.0, 100.0) for each in range(10)]
    figures = report(Judged(9, lost=["m1"]), Counter({"asked": 9}), samples)
    assert (figures["questions"], figures["lost"], figures["open"], figures["doubled"]) == (9, 1, 0, 0)
    assert figures["memory_mb"] == {"start": 100.0, "most": 100.0, "end": 100.0, "growth_per_hour": 0.0}
    assert figures["cpu_s_per_question"] == 0.5
    assert not Judged(1, doubled=["m"]).is_well and Judged(1).is_well


async def test_a_question_without_a_reply_is_lost_and_a_text_is_a_reply() -> None:
    sandbox = Sandbox()
    crowd = Crowd(sandbox, 2)
    asked = [await crowd.ask("年假有几天？") for _ in range(2)]
    reply = replace(sandbox.world.messages[asked[0]], message_id="om_reply", parent_id=asked[0])
    sandbox.world.messages[reply.message_id] = reply
    assert judged(sandbox, crowd) == Judged(2, lost=[asked[1]])


def test_the_plot_is_a_picture(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    plot([sample(each * 5.0, 100.0) for each in range(10)], tmp_path / "soak.png")
    assert (tmp_path / "soak.png").read_bytes().startswith(b"\x89PNG")
