"""An answer that no card holds goes on in further ones: each whole, once, whatever is refused or dies in between."""

from typing import Any

import pytest

from feishu.streaming.stream import CardStream
from tests.integration.conftest import ALICE, answer_text, words
from tests.support.model_server import Reply
from tests.support.scene import HTML, REPLY, Message, Scene

PARAGRAPHS = [f"第 {number} 段：" + "报销单要在十个工作日内提交，逾期要说明原因。" * 6 for number in range(1, 121)]
LONG = Reply("\n\n".join(PARAGRAPHS), piece_chars=400)
SECOND, THIRD = "续 2/", "续 3/"


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Debts are looked at twice a second, and an end is insisted upon for a second."""
    monkeypatch.setattr("bot.inbox.verdicts.OWED_EVERY_S", 0.5)
    monkeypatch.setitem(CardStream.finish.__kwdefaults__, "budget_s", 1.0)


def shown(message: Message) -> str:
    """What a message says, wherever it says it."""
    return words(message["card"]) if message["card"] else str(message["text"])


def paragraphs(scene: Scene, asked: str) -> list[str]:
    """The paragraphs of all replies, in the order in which they stand."""
    text = "\n".join(shown(message) for message in scene.replies(asked))
    return [line for line in text.split("\n") if line.startswith("第 ") and "段：" in line and not line.endswith("…")]


def assert_whole(scene: Scene, asked: str) -> None:
    """Every paragraph once, in order, on messages that are closed."""
    assert paragraphs(scene, asked) == PARAGRAPHS
    assert not any(message["streaming"] for message in scene.replies(asked))
    scene.assert_lawful()


async def asked_for_much(scene: Scene, **feishu: Any) -> str:
    scene.model.script(LONG)
    await scene.start(feishu=feishu)
    return await scene.ask()


async def test_forty_kilobytes_arrive_whole_on_several_closed_cards(scene: Scene) -> None:
    asked = await asked_for_much(scene)
    await scene.closed(asked)
    await scene.idle()
    assert_whole(scene, asked)
    assert len(scene.cards(asked)) >= 3
    assert all(answer_text(card) for card in scene.cards(asked))
    assert scene.counted() == {}


async def test_a_further_card_is_known_as_a_part_of_its_answer(scene: Scene) -> None:
    """A reply to it, or an emoji on it, speaks of the answer."""
    asked = await asked_for_much(scene)
    await scene.closed(asked)
    await scene.idle()
    assert scene.bot is not None
    turn_of = scene.bot.ledger.turn_of_card
    found = [await turn_of("cli_sandbox", (card["message_id"],)) for card in scene.cards(asked)]
    assert len(found) >= 3 and found[0] is not None and len(set(found)) == 1
    assert await turn_of("cli_sandbox", ("om_nobodys",)) is None


@pytest.mark.parametrize("code", [11310, 200570, 230022, 230028, 230025])
async def test_a_part_that_is_refused_comes_without_markup(scene: Scene, code: int) -> None:
    scene.sandbox.faults.plan(REPLY, code=code, match=SECOND)
    asked = await asked_for_much(scene)
    await scene.closed(asked)
    await scene.idle()
    assert_whole(scene, asked)
    assert scene.counted() == {"repaired": 1}


async def test_a_part_that_no_card_may_hold_comes_as_a_text(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, code=230028, match=SECOND, times=2)
    asked = await asked_for_much(scene)
    await scene.closed(asked)
    await scene.idle()
    assert_whole(scene, asked)
    assert len(scene.texts(asked)) == 1
    assert scene.counted() == {"plain_text": 1}


async def test_a_part_that_is_refused_in_every_shape_says_so_and_the_others_arrive(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, code=230028, match=SECOND, times=3)
    asked = await asked_for_much(scene)
    await scene.closed(asked)
    await scene.idle()
    (text,) = scene.texts(asked)
    assert text["text"].startswith(SECOND) and "没有放行这条回答" in text["text"]
    there = paragraphs(scene, asked)
    assert there[0] == PARAGRAPHS[0] and there[-1] == PARAGRAPHS[-1] and len(there) < len(PARAGRAPHS)
    assert scene.counted() == {"withheld": 1}
    scene.assert_lawful()


async def test_where_not_even_that_is_taken_the_job_ends(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, code=230028, match=SECOND, times=None)
    asked = await asked_for_much(scene)
    await scene.closed(asked)
    await scene.idle()
    assert paragraphs(scene, asked)[-1] == PARAGRAPHS[-1]
    assert scene.counted() == {"unsaid": 1}


@pytest.mark.parametrize("how", [{"status": 502, "html": HTML}, {"code": 99991401}, {"drop": True, "applied": True}])
async def test_a_part_that_cannot_be_sent_now_is_owed(scene: Scene, how: dict[str, Any]) -> None:
    """Longer than `debt_s`: it is a part that is missing, so the whole is not sent again."""
    fault = scene.sandbox.faults.plan(REPLY, match=THIRD, times=None, **how)
    asked = await asked_for_much(scene, debt_s=1.0)
    await scene.closed(asked)
    await scene.until(lambda: fault.hits > 6)
    fault.times = 0
    await scene.idle()
    assert_whole(scene, asked)
    assert scene.counted() == {}


async def test_two_hours_of_outage_between_two_parts_make_no_part_come_twice(scene: Scene) -> None:
    """The uuid of a message guards it for an hour; what was sent is known for ever."""
    fault = scene.sandbox.faults.plan(REPLY, match=THIRD, times=None, code=99991401)
    asked = await asked_for_much(scene)
    await scene.until(lambda: fault.hits > 1)
    scene.sandbox.advance(2 * 3600)
    tried = fault.hits
    await scene.until(lambda: fault.hits > tried + 1)
    fault.times = 0
    await scene.idle()
    assert_whole(scene, asked)


async def test_a_question_that_is_taken_back_takes_every_part_along(scene: Scene) -> None:
    asked = await asked_for_much(scene)
    await scene.closed(asked)
    await scene.idle()
    parts = [card["message_id"] for card in scene.cards(asked)[1:]]
    assert parts
    scene.sandbox.hands.recall(asked, ALICE)
    await scene.until(lambda: all(scene.sandbox.world.messages[part].recalled for part in parts))
    await scene.until(lambda: "提问已撤回" in words(scene.cards(asked)[0]["card"]))
