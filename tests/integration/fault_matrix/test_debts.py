"""What cannot be done now is owed: paid when it can be, once, and nobody's next question waits for it."""

from collections.abc import Iterator

import pytest

from feishu.streaming.stream import CardStream
from tests.integration.conftest import BOB, GROUP, answer_text, words
from tests.integration.fault_matrix.test_other_ways import is_neutral
from tests.support.scene import ANSWER, CLOSE, HTML, LAST, QUESTION, Scene


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Debts are looked at twice a second, and an end is insisted upon for a second."""
    monkeypatch.setattr("bot.inbox.verdicts.OWED_EVERY_S", 0.5)
    monkeypatch.setitem(CardStream.finish.__kwdefaults__, "budget_s", 1.0)
    yield


@pytest.mark.parametrize("code", [99991401, 99991403, 10014])
async def test_what_an_admin_has_to_mend_is_a_debt_that_is_paid(scene: Scene, code: int) -> None:
    fault = scene.sandbox.faults.plan("card.[su]*", times=3, code=code)
    await scene.start()
    await scene.answered_whole(await scene.ask())
    assert fault.hits == 3
    assert scene.counted() == {}


async def test_while_cardkit_stays_down_the_answer_goes_out_apart_and_the_card_is_closed_later(scene: Scene) -> None:
    fault = scene.sandbox.faults.plan("card.[su]*", times=None, status=502, html=HTML)
    await scene.start(feishu={"debt_s": 1.0})
    asked = await scene.ask()
    apart = await scene.closed(asked)
    assert answer_text(apart) == ANSWER
    fault.times = 0
    await scene.idle()
    cards = scene.cards(asked)
    assert [answer_text(card) for card in cards] == [ANSWER, ANSWER]
    assert not any(card["streaming"] for card in cards)
    assert "完整回答已作为新消息发出" in words(cards[0]["card"])
    assert scene.counted() == {"new_message": 1}
    scene.assert_lawful()


async def test_clicks_on_an_answer_that_went_out_apart_change_the_card_that_was_clicked(scene: Scene) -> None:
    fault = scene.sandbox.faults.plan("card.[su]*", times=None, status=502, html=HTML)
    await scene.start(feishu={"debt_s": 1.0})
    asked = await scene.ask()
    await scene.closed(asked)
    fault.times = 0
    await scene.idle()

    def both() -> list[str]:
        return [words(card["card"]) for card in scene.cards(asked)]

    await scene.press(scene.cards(asked)[1], "up")
    await scene.until(lambda: all("👍 有用 1" in said for said in both()))
    await scene.idle()
    assert ["已作为新消息发出" in said for said in both()] == [True, False]
    assert ["原来的卡片无法更新" in said for said in both()] == [False, True]
    await scene.press(scene.cards(asked)[1], "regenerate")
    await scene.until(lambda: all("2/2" in said for said in both()))
    await scene.idle()
    await scene.press(scene.cards(asked)[1], "show")
    await scene.until(lambda: all("1/2" in said and "👍 有用 1" in said for said in both()))
    await scene.idle()
    assert [answer_text(card) for card in scene.cards(asked)] == [ANSWER, ANSWER]
    assert len(scene.replies(asked)) == 2
    scene.assert_lawful()


async def test_a_scope_that_is_taken_away_and_granted_again_closes_the_old_card_too(scene: Scene) -> None:
    fault = scene.sandbox.faults.plan("card.[csu]*", skip=3, times=None, code=99991672)
    await scene.start()
    asked = await scene.ask()
    apart = await scene.closed(asked)
    assert answer_text(apart) == ANSWER
    fault.times = 0
    await scene.idle()
    assert [answer_text(card) for card in scene.cards(asked)] == [ANSWER, ANSWER]
    assert not any(card["streaming"] for card in scene.cards(asked))
    assert scene.counted() == {"new_message": 1}
    scene.assert_lawful()


async def test_a_card_that_cannot_be_closed_after_its_text_went_out_is_closed_later(scene: Scene) -> None:
    """The text is sent once, however often the closing is tried; two hours later its uuid guards nothing any more."""
    scene.sandbox.faults.plan(LAST, times=2, code=11310)
    down = scene.sandbox.faults.plan(LAST, times=None, status=502, html=HTML)
    await scene.start()
    asked = await scene.ask()
    assert ANSWER in str(await scene.text(asked))
    tried = down.hits
    await scene.until(lambda: down.hits > tried + 4)
    scene.sandbox.advance(2 * 3600)
    tried = down.hits
    await scene.until(lambda: down.hits > tried + 4)
    down.times = 0
    await scene.idle()
    (card,) = scene.cards(asked)
    assert is_neutral(card)
    assert len(scene.texts(asked)) == 1
    assert scene.counted() == {"plain_text": 1, "neutral_close": 1}
    scene.assert_lawful()


async def test_a_closing_card_that_is_refused_for_hours_is_a_debt_too(scene: Scene) -> None:
    fault = scene.sandbox.faults.plan(LAST, times=None, code=11310)
    await scene.start()
    asked = await scene.ask()
    assert ANSWER in str(await scene.text(asked))
    await scene.until(lambda: fault.hits > 4)
    assert not scene.cards(asked)[0]["streaming"], "closed, though not drawn"
    fault.times = 0
    await scene.idle()
    assert is_neutral(scene.cards(asked)[0])
    assert len(scene.replies(asked)) == 2
    scene.assert_lawful()


async def test_nobodys_next_question_waits_for_a_card_that_cannot_be_closed(scene: Scene) -> None:
    fault = scene.sandbox.faults.plan(CLOSE, times=None, code=99991401)
    await scene.start(feishu={"debt_s": 3600.0, "close_by_put": False})
    first = await scene.ask()
    await scene.until(lambda: fault.hits > 2)
    fault.match = "nothing that anybody writes"  # other cards can be closed again; this one's turn comes later
    held = scene.sandbox.faults.plan(LAST, match=QUESTION, times=None, code=99991401)
    second = (await scene.sandbox.say(GROUP, BOB, "年假没休完可以留到明年吗？", mention_bot=True)).message_id
    assert answer_text(await scene.closed(second)) == ANSWER
    assert not scene.cards(first) or scene.cards(first)[0]["streaming"] or held.hits
    held.times = 0
    await scene.idle()
    assert answer_text(await scene.closed(first)) == ANSWER
    assert len(scene.replies(first)) == 1
    scene.assert_lawful()


async def test_a_new_version_takes_the_debt_of_the_old_one(scene: Scene) -> None:
    fault = scene.sandbox.faults.plan(LAST, times=None, code=99991401)
    await scene.start()
    asked = await scene.ask()
    await scene.until(lambda: fault.hits > 1)
    assert scene.bot is not None
    turn = await scene.bot.ledger.turn_of_question("cli_sandbox", asked)
    assert turn is not None
    from bot.job import NewJob

    conversation = scene.sandbox.world.messages[asked].chat_id
    again = NewJob("cli_sandbox", "regenerate", conversation, {"by": BOB}, ("event:again",), turn)
    assert await scene.bot.jobs.enqueue(again), "a card that is only owed does not keep anybody from 🔄"
    scene.bot.worker.wake()
    tried = fault.hits
    await scene.until(lambda: fault.hits > tried + 1)
    fault.times = 0
    await scene.idle()
    assert "第 2 版" in words((await scene.closed(asked))["card"])
    assert len(scene.replies(asked)) == 1
