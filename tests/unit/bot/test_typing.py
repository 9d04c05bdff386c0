"""How the client types what frames bring: a card carries the pace, and it bridges the gap to the next frame."""

import itertools

import pytest

from bot.cards.streaming_view import ANSWER, STREAMING, opening_card
from bot.models import Answer, Turn
from bot.texts import ZH
from feishu.ratelimit import FrameSchedule
from feishu.streaming.stream import CardStream, Sequence
from tests.support.card_stream import Platform
from tests.support.clock import HandClock

TURN = Turn("t1", "cli", "oc", "oc", "p2p", "om_1", "ou", "出差回来多久内要报销？")
CHARS_PER_S = STREAMING["print_step"]["default"] / (STREAMING["print_frequency_ms"]["default"] / 1000)
INTERVAL_S = 0.2
STEP_S = 0.1
WRITES_FOR_S = 40
STANDSTILL_S = 0.5
"""Of a text that was growing: so long it looks stuck."""

Frame = tuple[float, int]
"""When it came, and how many characters stood in it."""
seen: dict[tuple[int, float], list[list[Frame]]] = {}


@pytest.mark.parametrize("resumed", [False, True])
def test_an_opening_card_says_how_its_text_is_typed(resumed: bool) -> None:
    config = opening_card(TURN, Answer("a1", "t1", 1, "open"), ZH, resumed=resumed)["config"]
    assert config["streaming_mode"] is True
    assert config["streaming_config"] == {
        "print_frequency_ms": {"default": 40},
        "print_step": {"default": 2},
        "print_strategy": "fast",
    }


async def frames_of(cards: int, written_per_s: float) -> list[list[Frame]]:
    """The answer's frames of each of many cards that are written at the same time, as one app may send them."""
    if (cards, written_per_s) not in seen:  # a clock moved by hand: the same each time
        seen[cards, written_per_s] = await played(cards, written_per_s)
    return seen[cards, written_per_s]


async def played(cards: int, written_per_s: float) -> list[list[Frame]]:
    """What the client gets, with nothing remembered."""
    clock = HandClock()
    schedule = FrameSchedule(clock=clock)
    platforms = [Platform(clock, 0.1) for _ in range(cards)]
    streams = [
        CardStream(platform, "7371", Sequence(), interval_s=INTERVAL_S, clock=clock, schedule=schedule)
        for platform in platforms
    ]
    for tick in range(1, int(WRITES_FOR_S / STEP_S)):
        text = "字" * int(tick * STEP_S * written_per_s)
        for stream in streams:
            stream.push(ANSWER, text)
        await clock.advance(STEP_S)
    for stream in streams:
        await stream.aclose()
    return [[(at, len(what[1])) for _, at, _, what in platform.of("text")] for platform in platforms]


@pytest.mark.parametrize("cards", [1, 40])
@pytest.mark.parametrize("written_per_s", [50.0, 70.0, 200.0])
async def test_the_client_has_something_to_type_until_the_next_frame_comes(cards: int, written_per_s: float) -> None:
    for frames in await frames_of(cards, written_per_s):
        assert len(frames) > 5
        for (at, before), (next_at, after), (then_at, _) in zip(frames, frames[1:], frames[2:], strict=False):
            assert next_at > at
            idle_s = (then_at - next_at) - (after - before) / CHARS_PER_S
            assert idle_s <= STANDSTILL_S


async def test_most_of_what_an_ordinary_model_writes_is_typed_and_does_not_jump() -> None:
    for cards in (1, 40):
        for frames in await frames_of(cards, 70.0):
            gaps_s = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(frames)]
            typed = sum(gaps_s) * CHARS_PER_S
            assert typed >= (frames[-1][1] - frames[0][1]) * 0.6


async def test_forty_cards_wait_longer_for_a_frame_than_one() -> None:
    """What makes the two different: the budget of frames is the app's."""
    [alone] = await frames_of(1, 70.0)
    crowd = await frames_of(40, 70.0)
    assert (len(alone) > 150, max(map(len, crowd)) < 40) == (True, True)
