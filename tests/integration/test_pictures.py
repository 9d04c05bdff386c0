"""A question with a picture: the card opens first and says that it reads; whatever happens then, it is the only one."""

import base64
import io
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from feishu.sandbox.server.uploads import take_upload
from tests.integration.conftest import ALICE, BOB, DEADLINE_S, GROUP, Stage, answer_text, words
from tests.integration.test_bad_luck import ANSWER, QUESTION, using
from tests.integration.test_crash import killed
from tests.integration.test_people_conversation import private_chat, replies
from tests.support.bot_process import REPOSITORY
from tests.support.model_server import ModelServer, Reply, running

READING = "👀 正在读图"


class Seeing:
    """A model that reads pictures when it is let, and answers at once."""

    def __init__(self, model: ModelServer) -> None:
        self.model = model
        self.may_read = threading.Event()
        self.seen = QUESTION
        self.status = 200
        model.script(answer=self.reply)

    def reply(self, body: dict[str, Any]) -> Reply:
        asked = body["messages"][-1]["content"]
        if isinstance(asked, list):
            return Reply(self.seen, once=self.may_read.is_set, status=self.status)
        return Reply(asked.partition("New question: ")[2] or ANSWER, delay_s=0.01)

    def looks(self) -> int:
        """How often it was shown a picture."""
        return len([request for request in self.model.chats() if request.pictures])


@pytest.fixture
def seeing() -> Iterator[Seeing]:
    with running() as server:
        yield Seeing(server)


def settings(seeing: Seeing, **more: str) -> dict[str, str]:
    return using(seeing.model, RAG__LLM__VISION="true", **more)


def picture(stage: Stage) -> str:
    """The key of an uploaded one."""
    drawn = io.BytesIO()
    Image.new("RGB", (60, 20), "white").save(drawn, "PNG")
    content = base64.b64encode(drawn.getvalue()).decode()
    return take_upload(stage.sandbox.world, ALICE, "a.png", content, "image/png").key


async def sent(stage: Stage) -> str:
    """A picture alone, in private."""
    said = await stage.sandbox.say(
        private_chat(stage), ALICE, kind="image", content=json.dumps({"image_key": picture(stage)})
    )
    return said.message_id


async def reading(stage: Stage, seeing: Seeing, asked: str, *, look: int = 1) -> dict[str, Any]:
    """The card that says so, once the model has the picture."""

    def found() -> dict[str, Any] | None:
        cards = [card for card in stage.cards(asked) if card["streaming"] and READING in words(card["card"])]
        return cards[0] if cards and seeing.looks() == look else None

    return await stage.sandbox.wait_for(found, DEADLINE_S)


def only_card(stage: Stage, asked: str) -> dict[str, Any]:
    """The one thing that answers a message."""
    (card,) = stage.cards(asked)
    assert replies(stage, asked) == []
    return card


async def whole_on(stage: Stage, asked: str, opened: dict[str, Any]) -> dict[str, Any]:
    """The card with the answer on it, which is the one that was opened."""
    card = await stage.closed(asked, containing=QUESTION)
    assert answer_text(card).replace("\\", "") == ANSWER
    assert "👀 我读到的内容" in words(card["card"])
    assert only_card(stage, asked)["message_id"] == opened["message_id"]
    return card


async def test_the_card_says_that_it_reads_and_goes_on_to_the_answer(stage: Stage, seeing: Seeing) -> None:
    bot = await stage.bot(**settings(seeing))
    asked = await sent(stage)
    opened = await reading(stage, seeing, asked)
    assert opened["card"]["header"]["title"]["content"] == "🖼 图片"
    await stage.sandbox.wait_for(lambda: "秒" in words(only_card(stage, asked)["card"]), DEADLINE_S)
    seeing.may_read.set()
    card = await whole_on(stage, asked, opened)
    assert card["card"]["header"]["title"]["content"] == QUESTION
    assert stage.sandbox.violations == []
    await bot.logged("job_ended", state="done")


async def test_in_english_too(stage: Stage, seeing: Seeing) -> None:
    seeing.seen = "When must travel expenses be claimed?"
    await stage.bot(**settings(seeing, BOT__LANGUAGE="en"))
    asked = await sent(stage)
    await stage.sandbox.wait_for(
        lambda: any("Reading the picture" in words(card["card"]) for card in stage.cards(asked)), DEADLINE_S
    )
    seeing.may_read.set()
    await stage.closed(asked, containing="What I read")


async def test_words_beside_pictures_are_the_title_from_the_start(stage: Stage, seeing: Seeing) -> None:
    await stage.bot(**settings(seeing))
    nodes = [[{"tag": "text", "text": "这里问的怎么答？"}], [{"tag": "img", "image_key": picture(stage)}]]
    content = json.dumps({"title": "", "content": nodes}, ensure_ascii=False)
    asked = (await stage.sandbox.say(private_chat(stage), ALICE, kind="post", content=content)).message_id
    opened = await reading(stage, seeing, asked)
    assert opened["card"]["header"]["title"]["content"] == "这里问的怎么答？"
    seeing.may_read.set()
    await whole_on(stage, asked, opened)


@pytest.mark.parametrize("text", ["这里问的怎么答？", ""])
async def test_a_picture_that_is_replied_to_is_read_on_the_card(stage: Stage, seeing: Seeing, text: str) -> None:
    await stage.bot(**settings(seeing))
    content = json.dumps({"image_key": picture(stage)})
    quoted = await stage.sandbox.say(GROUP, ALICE, kind="image", content=content)
    said = await stage.sandbox.say(GROUP, BOB, text, mention_bot=True, reply_to=quoted.message_id)
    opened = await reading(stage, seeing, said.message_id)
    assert opened["card"]["header"]["title"]["content"] == (text or "🖼 图片")
    seeing.may_read.set()
    card = await whole_on(stage, said.message_id, opened)
    assert (text or QUESTION) in card["card"]["header"]["title"]["content"]


async def test_stop_ends_the_reading_and_again_begins_it_anew(stage: Stage, seeing: Seeing) -> None:
    await stage.bot(**settings(seeing))
    asked = await sent(stage)
    opened = await reading(stage, seeing, asked)
    await stage.click(opened, "stop")
    card = await stage.closed(asked, containing="已停止")
    assert only_card(stage, asked)["message_id"] == opened["message_id"]
    look = next(request for request in seeing.model.chats() if request.pictures)
    await stage.sandbox.wait_for(look.hung_up.is_set, DEADLINE_S)
    await stage.click(card, "regenerate")
    await reading(stage, seeing, asked, look=2)
    seeing.may_read.set()
    await whole_on(stage, asked, opened)


@pytest.mark.parametrize("end", ["kill", "terminate"])
async def test_a_process_that_ends_while_it_reads_leaves_its_card_to_the_next(
    stage: Stage, seeing: Seeing, store_url: str, end: str
) -> None:
    how = settings(seeing, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3", BOT__DRAIN_S="0")
    bot = await stage.bot(**how)
    asked = await sent(stage)
    opened = await reading(stage, seeing, asked)
    await (bot.kill() if end == "kill" else bot.terminate())
    if end == "terminate":
        assert "服务正在重启" in words(only_card(stage, asked)["card"])
    await stage.bot(**how)
    await reading(stage, seeing, asked, look=2)
    seeing.may_read.set()
    await whole_on(stage, asked, opened)


async def test_what_was_read_is_not_read_again_after_a_crash(stage: Stage, seeing: Seeing, store_url: str) -> None:
    how = settings(seeing, BOT__DATABASE_URL=store_url, BOT__LEASE_S="3")
    bot = await stage.bot(**how, BOT_TEST_KILL_AT="mid-stream")
    seeing.may_read.set()
    asked = await sent(stage)
    await killed(bot)
    await stage.bot(**how)
    await whole_on(stage, asked, only_card(stage, asked))
    assert seeing.looks() == 1


async def test_a_question_taken_back_while_it_is_read_leaves_nothing(stage: Stage, seeing: Seeing) -> None:
    bot = await stage.bot(**settings(seeing))
    asked = await sent(stage)
    await reading(stage, seeing, asked)
    stage.sandbox.hands.recall(asked, ALICE)
    await bot.logged("job_ended", reason="blanked")
    card = only_card(stage, asked)
    assert not card["streaming"] and words(card["card"]).count("提问已撤回") and READING not in words(card["card"])


async def test_the_next_question_of_the_conversation_waits_for_the_picture(stage: Stage, seeing: Seeing) -> None:
    await stage.bot(**settings(seeing))
    first = await sent(stage)
    opened = await reading(stage, seeing, first)
    second = await stage.ask(QUESTION, chat=private_chat(stage), mention=False)
    await stage.sandbox.wait_for(
        lambda: any("前面还有 1 个问题" in words(card["card"]) for card in stage.cards(second)), DEADLINE_S
    )
    seeing.may_read.set()
    await whole_on(stage, first, opened)
    await stage.closed(second)


async def test_who_waits_with_a_picture_can_stop_waiting_and_have_it_read_later(stage: Stage, seeing: Seeing) -> None:
    await stage.bot(**settings(seeing))
    first, second = await sent(stage), await sent(stage)
    await reading(stage, seeing, first)

    def waits() -> dict[str, Any] | None:
        return next((card for card in stage.cards(second) if "前面还有 1 个问题" in words(card["card"])), None)

    opened = await stage.sandbox.wait_for(waits, DEADLINE_S)
    await stage.click(opened, "stop")
    card = await stage.closed(second, containing="已停止")
    assert seeing.looks() == 1
    seeing.may_read.set()
    await stage.closed(first)
    await stage.click(card, "regenerate")
    await whole_on(stage, second, opened)


async def test_a_model_that_fails_to_look_can_be_asked_again_on_the_card(stage: Stage, seeing: Seeing) -> None:
    hidden = stage.folder / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import importlib.util as u\nfind = u.find_spec\n"
        "u.find_spec = lambda name, package=None: None if name == 'rapidocr' else find(name, package)\n"
    )
    seeing.status = 400
    seeing.may_read.set()
    bot = await stage.bot(**settings(seeing, PYTHONPATH=f"{hidden}:{REPOSITORY}"))
    asked = await sent(stage)
    card = await stage.closed(asked, containing="现在看不了图片")
    assert card["card"]["header"]["template"] == "red"
    await bot.logged("job_ended", state="done")
    seeing.status = 200
    await stage.click(card, "regenerate")
    await whole_on(stage, asked, card)


async def test_a_picture_that_was_recalled_meanwhile_says_so_when_asked_again(stage: Stage, seeing: Seeing) -> None:
    await stage.bot(**settings(seeing))
    content = json.dumps({"image_key": picture(stage)})
    quoted = await stage.sandbox.say(GROUP, ALICE, kind="image", content=content)
    said = await stage.sandbox.say(GROUP, BOB, "", mention_bot=True, reply_to=quoted.message_id)
    opened = await reading(stage, seeing, said.message_id)
    await stage.click(opened, "stop", BOB)
    card = await stage.closed(said.message_id, containing="已停止")
    stage.sandbox.hands.recall(quoted.message_id, ALICE)
    await stage.click(card, "regenerate", BOB)
    await stage.closed(said.message_id, containing="可能已被撤回")
    only_card(stage, said.message_id)
