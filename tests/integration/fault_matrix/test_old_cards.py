"""Clicks on what cannot change any more: cards older than 14 days, deleted cards, forgotten answers. Each is answered
with a toast, what it says is kept, and 🔄 makes a new card."""

import pytest

from tests.integration.conftest import ALICE, BOB, answer_text, button, words
from tests.support.model_server import Reply
from tests.support.plays import PLAYING_S, Played, Plays
from tests.support.scene import ANSWER, CREATE, Message, Scene

PLAYS = Plays()
FIFTEEN_DAYS_S = 15 * 86_400.0


async def old_card(scene: Scene, *, raw: bool = False, chat: str = "") -> Message:
    """A closed card, fifteen days ago."""
    if raw:
        scene.sandbox.faults.plan(CREATE, code=99991672)
    await scene.start()
    if chat:
        asked = (await scene.sandbox.say(chat, ALICE, "出差回来多久内要报销？")).message_id
    else:
        asked = await scene.ask()
    card = await scene.closed(asked)
    await scene.idle()
    scene.advance(FIFTEEN_DAYS_S)
    return card


def private_chat(scene: Scene) -> str:
    chats = scene.sandbox.world.chats.values()
    return next(chat.chat_id for chat in chats if chat.kind == "p2p" and ALICE in chat.people)


async def said(scene: Scene, card: Message, kind: str, person: str = ALICE) -> str:
    """The words of the toast."""
    shown = await scene.press(card, kind, person)
    assert shown.error_code is None and shown.toast is not None, shown.why
    return str(shown.toast["content"])


async def votes(scene: Scene) -> set[tuple[str, str]]:
    """Who voted what."""
    from sqlalchemy import select

    from bot.storage.tables import votes as table

    assert scene.bot is not None
    statement = select(table.c.voter, table.c.vote)
    return await scene.bot.database.read(lambda c: {(voter, vote) for voter, vote in c.execute(statement)})


@PLAYS.of(False, True)
async def a_vote_on_an_old_card_is_noted(scene: Scene, raw: bool) -> None:
    card = await old_card(scene, raw=raw)
    assert "已记下" in await said(scene, card, "up")
    await scene.idle()
    assert "超过 14 天" in await said(scene, card, "down", BOB)
    await scene.idle()
    assert scene.sandbox.shown(card["message_id"])["card"] == card["card"]
    assert await votes(scene) == {(ALICE, "up"), (BOB, "down")}
    scene.assert_lawful()


@PLAYS.of(False, True)
async def an_old_card_is_regenerated_as_a_new_one(scene: Scene, raw: bool) -> None:
    card = await old_card(scene, raw=raw)
    assert await said(scene, card, "regenerate") == "好的，正在重新生成"
    asked = card["parent_id"]
    fresh = await scene.until(
        lambda: next((each for each in scene.cards(asked) if "第 2 版" in words(each["card"])), None)
    )
    await scene.idle()
    assert fresh["message_id"] != card["message_id"]
    assert answer_text(fresh) == ANSWER
    assert scene.counted()["new_card"] == 1
    await said(scene, fresh, "up")
    await scene.closed(asked, containing="👍 有用 1")
    await scene.press(fresh, "show")
    await scene.closed(asked, containing="1/2")
    assert len(scene.cards(asked)) == 2
    scene.assert_lawful()


@PLAYS.of()
async def an_old_cards_pager_says_why_it_does_not_turn(scene: Scene) -> None:
    await scene.start()
    asked = await scene.ask()
    await scene.press(await scene.closed(asked), "regenerate")
    card = await scene.closed(asked, containing="2/2")
    await scene.idle()
    scene.advance(FIFTEEN_DAYS_S)
    assert "超过 14 天" in await said(scene, card, "show")
    await scene.idle()
    assert "2/2" in words(scene.sandbox.shown(card["message_id"])["card"])
    scene.assert_lawful()


@PLAYS.of()
async def an_old_cards_suggestion_is_answered_on_a_new_card(scene: Scene) -> None:
    card = await old_card(scene)
    assert await said(scene, card, "ask") == "好的，正在回答"
    answered = await scene.closed(card["message_id"])
    assert answer_text(answered) == ANSWER
    scene.assert_lawful()


@PLAYS.of()
async def a_form_that_was_left_open_for_weeks_is_still_taken(scene: Scene) -> None:
    await scene.start()
    asked = (await scene.sandbox.say(private_chat(scene), ALICE, "出差回来多久内要报销？")).message_id
    await scene.press(await scene.closed(asked), "down")
    card = await scene.closed(asked, containing="哪里不好")
    await scene.idle()
    scene.advance(FIFTEEN_DAYS_S)
    form = {"reason": "outdated", "comment": "制度上个月改了"}
    shown = await scene.sandbox.click(card["message_id"], ALICE, name="send", form_value=form)
    assert shown.toast is not None and shown.toast["content"] == "谢谢，原因已记下"
    await scene.idle()
    scene.assert_lawful()


# Deleted in the moment of the click.


@PLAYS.of(200740, 200750, 230011, 230110)
async def a_card_that_is_gone_takes_votes_and_pages_in_silence_and_is_regenerated_anew(scene: Scene, code: int) -> None:
    await scene.start()
    asked = await scene.ask()
    await scene.press(await scene.closed(asked), "regenerate")
    card = await scene.closed(asked, containing="2/2")
    await scene.idle()
    gone = scene.sandbox.world.messages[card["message_id"]].card_id
    scene.sandbox.faults.plan("card.update", code=code, times=2)
    assert "已记下" in await said(scene, card, "up")
    await scene.idle()
    await scene.press(card, "show")
    await scene.idle()
    scene.sandbox.faults.plan("card.update", code=code)
    assert await said(scene, card, "regenerate") == "好的，正在重新生成"
    await scene.until(lambda: len(scene.cards(asked)) == 2)
    await scene.idle()
    fresh = scene.cards(asked)[1]
    assert answer_text(fresh) == ANSWER and button(fresh, "up") is not None
    assert scene.sandbox.world.messages[fresh["message_id"]].card_id != gone
    scene.assert_lawful()


async def test_an_answer_that_was_forgotten_says_so_on_every_button(scene: Scene) -> None:
    scene.model.script(Reply(ANSWER))
    await scene.start()
    asked = await scene.ask()
    await scene.press(await scene.closed(asked), "regenerate")
    card = await scene.closed(asked, containing="2/2")
    await scene.idle()
    assert scene.bot is not None
    await scene.bot.forgetting.person(ALICE)
    for kind in ("up", "down", "show", "regenerate", "ask"):
        assert await said(scene, card, kind) == "这个回答已经找不到了，请重新提问"
    await scene.idle()
    assert len(scene.replies(asked)) == 1


@pytest.mark.timeout(PLAYING_S)
@pytest.mark.parametrize("name", PLAYS)
def test_play(name: str, played: Played) -> None:
    played.raise_what_went_wrong(name)
