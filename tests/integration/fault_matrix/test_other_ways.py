"""What does not pass: another way, told in the documents (docs/errors.md), counted, and the card says so."""

from typing import Any

import pytest

from tests.integration.conftest import answer_text, button, words
from tests.support.plays import PLAYING_S, Played, Plays
from tests.support.scene import ANSWER, CREATE, HTML, LAST, QUESTION, REPLY, Message, Scene

PLAYS = Plays()
FOLLOWS, HIDDEN = "完整内容已作为新消息发在下面", "平台的内容安全规则没有放行这条回答"


def is_neutral(message: Message) -> bool:
    """Closed, says where the answer is, holds no word of it or of the question; it can be judged and regenerated."""
    card = message["card"]
    return (
        not message["streaming"]
        and FOLLOWS in words(card)
        and "工作日" not in words(card)
        and QUESTION not in words(card)
        and button(message, "stop") is None
        and None not in (button(message, "up"), button(message, "regenerate"))
    )


@PLAYS.of({"code": 99991672}, {"status": 502, "html": HTML}, {"code": 11310}, {"code": 10002})
async def without_cardkit_the_answer_comes_on_a_raw_card(scene: Scene, how: dict[str, Any]) -> None:
    scene.sandbox.faults.plan("card.*", times=None, **how)
    await scene.start()
    await scene.answered_whole(await scene.ask())
    assert scene.counted() == {"raw_card": 1}


@PLAYS.of({"code": 230020}, {"status": 502, "html": HTML}, {"drop": True})
async def a_raw_card_is_finished_too(scene: Scene, how: dict[str, Any]) -> None:
    scene.sandbox.faults.plan(CREATE, code=99991672)
    scene.sandbox.faults.plan("message.patch", skip=1, times=2, **how)
    await scene.start()
    await scene.answered_whole(await scene.ask())


@PLAYS.of(230028, 230099, 200621, 230001)
async def an_opening_card_that_is_refused_is_sent_without_the_question(scene: Scene, code: int) -> None:
    scene.sandbox.faults.plan(REPLY, code=code)
    await scene.start()
    await scene.answered_whole(await scene.ask())
    assert scene.counted() == {"raw_card": 1}


@PLAYS.of(230022, 230028)
async def a_question_that_is_refused_everywhere_is_answered_without_it(scene: Scene, code: int) -> None:
    scene.sandbox.faults.plan("*", code=code, match=QUESTION, times=None)
    await scene.start()
    asked = await scene.ask()
    await scene.ended(asked)
    assert not any(message["streaming"] for message in scene.replies(asked))
    assert any(ANSWER in (words(each["card"]) if each["card"] else str(each)) for each in scene.replies(asked))
    scene.assert_lawful()


@PLAYS.of()
async def where_no_card_is_taken_the_answer_is_a_text(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, code=230028, match="interactive", times=None)
    await scene.start()
    asked = await scene.ask()
    message = await scene.text(asked)
    assert ANSWER in str(message)
    assert len(scene.replies(asked)) == 1
    await scene.idle()
    assert scene.counted() == {"raw_card": 1, "plain_text": 1}
    scene.assert_lawful()


@PLAYS.of(230011, 231003, 230019, 232009, 230002, 230027, 230053)
async def where_nobody_can_be_answered_nothing_is_said(scene: Scene, code: int) -> None:
    fault = scene.sandbox.faults.plan(REPLY, code=code, times=None)
    await scene.start()
    asked = await scene.ask()
    await scene.until(lambda: fault.hits)
    await scene.idle()
    assert scene.replies(asked) == []
    assert fault.hits == 1, "not tried again"
    scene.assert_lawful()


@PLAYS.of(200740, 200750, 300311)
async def a_card_that_is_lost_while_it_is_written_gets_its_whole_answer_in_a_new_message(
    scene: Scene, code: int
) -> None:
    scene.sandbox.faults.plan("card.[csu]*", skip=3, times=None, code=code)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    assert answer_text(card) == ANSWER
    await scene.idle()
    assert len(scene.replies(asked)) == 2
    assert scene.counted() == {"new_message": 1}
    await scene.press(card, "up")
    await scene.until(lambda: "👍 有用 1" in words(scene.sandbox.shown(card["message_id"])["card"]))
    scene.assert_lawful()


@PLAYS.of(230011, 230110, 232009)
async def a_card_that_was_recalled_while_it_is_written_is_left_alone(scene: Scene, code: int) -> None:
    fault = scene.sandbox.faults.plan("card.[csu]*", skip=3, times=None, code=code)
    await scene.start()
    asked = await scene.ask()
    await scene.until(lambda: fault.hits)
    await scene.idle()
    assert fault.hits == 1
    assert len(scene.replies(asked)) == 1
    scene.assert_lawful()


@PLAYS.of(11310, 200570, 300305, 200621, 230022, 230028, 300301, 10002, 99992402)
async def a_last_card_that_is_refused_comes_simpler_with_the_same_words(scene: Scene, code: int) -> None:
    scene.sandbox.faults.plan(LAST, code=code)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    assert ANSWER in words(card["card"])
    assert "\n[1] 费用报销" in words(card["card"]), "with its sources"
    await scene.idle()
    assert len(scene.replies(asked)) == 1
    assert scene.counted() == {"repaired": 1}
    scene.sandbox.faults.plan(LAST, code=code, match="collapsible_panel", times=None)
    await scene.press(card, "up")
    voted = await scene.closed(asked, containing="👍 有用 1")
    assert ANSWER in words(voted["card"])
    scene.assert_lawful()


@PLAYS.of((200860, 1), (230025, 1), (11310, 2), (230022, 2), (230028, 2))
async def a_last_card_that_may_not_hold_the_answer_says_that_it_stands_in_the_text_below(
    scene: Scene, code: int, times: int
) -> None:
    scene.sandbox.faults.plan(LAST, code=code, times=times)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    await scene.idle()
    assert is_neutral(card)
    (text,) = scene.texts(asked)
    assert ANSWER in str(text)
    assert scene.counted() == {"plain_text": 1, "neutral_close": 1}
    await scene.press(card, "up")
    assert is_neutral(await scene.closed(asked, containing="👍 有用 1"))
    scene.assert_lawful()


@PLAYS.of(200800, 300303)
async def a_last_card_that_no_card_can_replace_comes_as_a_new_one(scene: Scene, code: int) -> None:
    scene.sandbox.faults.plan(LAST, code=code)
    await scene.start()
    asked = await scene.ask()
    await scene.ended(asked)
    first, second = scene.cards(asked)
    assert is_neutral(first)
    assert answer_text(second) == ANSWER
    assert scene.counted() == {"new_message": 1, "neutral_close": 1}
    scene.assert_lawful()


# A filter that takes the answer in no shape.


@PLAYS.of(230022, 230028, 230099)
async def an_answer_that_is_refused_in_every_shape_is_withheld_and_the_card_says_why(scene: Scene, code: int) -> None:
    """The filter looks at what is written: every call that holds a word of the answer is refused."""
    scene.sandbox.faults.plan("*", code=code, match="个工作日", times=None)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    await scene.idle()
    assert len(scene.replies(asked)) == 1
    assert HIDDEN in words(card["card"])
    assert QUESTION not in words(card["card"]), "the question may be what is refused"
    assert button(card, "up") is None and button(card, "regenerate") is not None
    assert scene.counted() == {"withheld": 1}
    assert (await stored_answer(scene)).text == ANSWER
    scene.assert_lawful()
    scene.sandbox.faults.clear()
    await scene.press(card, "regenerate")
    again = await scene.closed(asked, containing="第 2 版")
    assert answer_text(again) == ANSWER
    await scene.press(again, "show")
    back = await scene.closed(asked, containing="1/2")
    assert HIDDEN in words(back["card"]), "what was withheld once is not shown by paging"


@PLAYS.of(230022, 230028)
async def with_question_and_answer_refused_everywhere_the_card_still_closes(scene: Scene, code: int) -> None:
    for word in ("个工作日", "多久内要报销"):
        scene.sandbox.faults.plan("*", code=code, match=word, times=None)
    await scene.start()
    asked = await scene.ask()
    card = await scene.closed(asked)
    await scene.idle()
    assert HIDDEN in words(card["card"]) and len(scene.replies(asked)) == 1
    assert scene.counted() == {"raw_card": 1, "withheld": 1}
    scene.assert_lawful()


@PLAYS.of()
async def where_no_card_is_taken_and_the_answer_is_refused_a_text_says_why(scene: Scene) -> None:
    scene.sandbox.faults.plan(REPLY, code=230028, match="interactive", times=None)
    scene.sandbox.faults.plan("*", code=230028, match="个工作日", times=None)
    await scene.start()
    asked = await scene.ask()
    message = await scene.text(asked)
    await scene.idle()
    assert HIDDEN in str(message) and len(scene.replies(asked)) == 1
    assert scene.counted() == {"raw_card": 1, "withheld": 1}
    scene.assert_lawful()


@PLAYS.of()
async def where_the_fixed_words_are_not_taken_on_the_card_they_come_as_a_text(scene: Scene) -> None:
    scene.sandbox.faults.plan("*", code=230028, match="个工作日", times=None)
    scene.sandbox.faults.plan(LAST, code=230028, times=None)
    await scene.start()
    asked = await scene.ask()
    message = await scene.text(asked)
    await scene.idle()
    assert HIDDEN in str(message)
    assert not any(each["streaming"] for each in scene.replies(asked))
    assert scene.counted() == {"withheld": 1}
    scene.assert_lawful()


@PLAYS.of()
async def where_nothing_at_all_is_taken_the_job_ends_and_the_answer_is_kept(scene: Scene) -> None:
    scene.sandbox.faults.plan(LAST, code=230028, times=None)
    scene.sandbox.faults.plan(REPLY, code=230028, match='\\"text\\"', times=None)
    await scene.start()
    asked = await scene.ask()
    await scene.ended(asked)
    assert scene.counted() == {"unsaid": 1}
    assert (await stored_answer(scene)).text == ANSWER
    scene.assert_lawful()


async def stored_answer(scene: Scene) -> Any:
    """The newest answer in the store."""
    assert scene.bot is not None
    from sqlalchemy import select

    from bot.storage.tables import answers

    statement = select(answers).order_by(answers.c.version.desc())
    return await scene.bot.database.read(lambda connection: connection.execute(statement).first())


@pytest.mark.timeout(PLAYING_S)
@pytest.mark.parametrize("name", PLAYS)
def test_play(name: str, played: Played) -> None:
    played.raise_what_went_wrong(name)
