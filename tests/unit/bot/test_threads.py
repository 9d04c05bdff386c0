"""A conversation as it is read: its pages, its order, its bounds, who is called what, and what is not read."""

from collections.abc import Sequence
from typing import Any, cast

import orjson
import pytest

from bot.intake.bot_identity import Identity
from bot.intake.commands import asked_of_thread, parse_command
from bot.intake.forwarded import as_message
from bot.intake.policy import deed_of
from bot.intake.thread_text import fitting, made_of, without_model, written_out
from bot.intake.threads import MOST_MESSAGES, MOST_PAGES, Thread, ThreadReader, ThreadUnreadable, Utterance
from bot.intake.user_names import UserNames
from bot.models import LeftOut, Turn
from bot.texts import EN, ZH
from feishu.api.client import BotIdentity
from feishu.api.messages import Messages
from feishu.errors import Forbidden, Unreachable

CHAT, TOPIC, BOT = "oc_1", "omt_1", "ou_bot"
Item = dict[str, Any]


def item(number: int, text: str = "", *, by: str = "ou_a", kind: str = "text", **more: Any) -> Item:
    content = more.pop("content", {"text": text or f"message {number}"})
    person = by.startswith("ou_")
    return {
        "message_id": f"om_{number}",
        "msg_type": kind,
        "create_time": str(number * 1000),
        "chat_id": CHAT,
        "thread_id": TOPIC,
        "sender": {"id": by, "sender_type": "user" if person else "app"},
        "body": {"content": orjson.dumps(content).decode()},
        **more,
    }


class Platform:
    """Pages of a topic, newest first, and single messages."""

    def __init__(self, items: Sequence[Item], *, on_page: int = 50, trouble: Exception | None = None) -> None:
        self.newest_first = list(reversed(items))
        self.single = {each["message_id"]: [each] for each in items}
        self.on_page = on_page
        self.trouble = trouble
        self.pages = 0

    async def newest_of_thread(self, thread_id: str, *, page_token: str = "") -> Item:
        if self.trouble:
            raise self.trouble
        assert thread_id == TOPIC
        self.pages += 1
        start = int(page_token or 0)
        end = start + self.on_page
        is_more = end < len(self.newest_first)
        return {"items": self.newest_first[start:end], "has_more": is_more, "page_token": str(end) if is_more else ""}

    async def fetch(self, message_id: str) -> Item:
        return {"items": self.single.get(message_id, [])}


class Called:
    def __init__(self, **names: str) -> None:
        self.names = names

    async def of(self, open_id: str) -> str:
        return self.names.get(open_id, "")


def turn(conversation: str = f"{CHAT}/{TOPIC}", asked: str = "om_asked") -> Turn:
    return Turn("t1", "cli_1", conversation, CHAT, "group", asked, "ou_a", "/总结")


def reader(platform: Platform, **names: str) -> ThreadReader:
    async def ask() -> BotIdentity:
        raise AssertionError

    identity = Identity(ask)
    identity.known = BotIdentity(BOT, "bot", activated=True)
    called = cast(UserNames, Called(**(names or {"ou_a": "Ann", "ou_b": "Bob"})))
    return ThreadReader(cast(Messages, platform), called, identity)


async def words(*items: Item, **names: str) -> list[tuple[str, str]]:
    thread = await reader(Platform(items), **names).read(turn(), EN)
    return [(each.who, each.words) for each in thread.said]


async def test_every_page_is_read_and_the_oldest_comes_first() -> None:
    platform = Platform([item(number) for number in range(1, 121)])
    thread = await reader(platform).read(turn(), EN)
    assert platform.pages == 3 and thread.earlier == 0
    assert [each.words for each in thread.said] == [f"message {number}" for number in range(1, 121)]
    assert thread.said[0].at == 1.0


async def test_the_newest_are_kept_and_the_others_counted() -> None:
    thread = await reader(Platform([item(number) for number in range(1, 311)])).read(turn(), EN)
    assert len(thread.said) == MOST_MESSAGES and thread.said[-1].words == "message 310"
    assert thread.not_read == (LeftOut("earlier", "too_many", count=110),)


async def test_counting_ends_somewhere_and_says_so() -> None:
    platform = Platform([item(number) for number in range(1, 40)], on_page=1)
    thread = await reader(platform).read(turn(), EN)
    assert platform.pages == MOST_PAGES and len(thread.said) == MOST_PAGES
    assert thread.not_read[0].what == "earlier_at_least"


async def test_a_message_that_moves_to_the_next_page_is_read_once() -> None:
    one, two = item(1), item(2)
    assert [said for _, said in await words(one, two, two)] == ["message 1", "message 2"]


async def test_what_is_ours_asked_or_taken_back_is_out() -> None:
    said = await words(
        item(1, "hello"),
        item(2, "ours", by="cli_1"),
        item(3, "ours too", by=BOT),
        item(4, "gone", deleted=True),
        item(5, "/summary who?"),
        item(6, "of another chat", chat_id="oc_2"),
        item(7, "X joined", kind="system"),
        {**item(8, "/summary"), "message_id": "om_asked"},
    )
    assert said == [("Ann", "hello")]


async def test_a_command_that_mentions_us_is_out_whatever_we_are_called() -> None:
    mention = {"key": "@_user_1", "id": BOT, "id_type": "open_id", "name": "The Knowledge Bot"}
    assert await words(item(1, "hi all"), item(2, "@_user_1 /summary", mentions=[mention])) == [("Ann", "hi all")]


async def test_two_of_one_name_are_told_apart_and_the_nameless_get_one() -> None:
    mention = {"key": "@_user_1", "id": "ou_c", "id_type": "open_id", "name": "Cleo"}
    said = await words(
        item(1, "a", by="ou_a"),
        item(2, "b @_user_1", by="ou_b", mentions=[mention]),
        item(3, "c", by="ou_c"),
        item(4, "d", by="ou_d"),
        item(5, "e", by="cli_x"),
        ou_a="Ann",
        ou_b="Ann",
    )
    assert said == [("Ann", "a"), ("Ann (2)", "b @Cleo"), ("Cleo", "c"), ("Person 4", "d"), ("Bot 5", "e")]


async def test_files_and_pictures_are_named_as_not_read() -> None:
    items = [
        item(1, kind="file", content={"file_key": "f", "file_name": "a.pdf"}),
        item(2, kind="image", content={"image_key": "img_1"}),
        item(3, kind="audio", content={}),
    ]
    thread = await reader(Platform(items)).read(turn(), EN)
    assert [each.words for each in thread.said] == [
        EN.thread_file.format(name="a.pdf"),
        EN.thread_picture,
        EN.thread_other,
    ]
    assert thread.left_out == (
        LeftOut("file", "words_only", "a.pdf"),
        LeftOut("picture", "words_only", count=1),
        LeftOut("media", "kind", count=1),
    )


async def test_a_forward_in_a_topic_is_opened_in_its_place() -> None:
    forward = item(2, kind="merge_forward", content={})
    platform = Platform([item(1, "look"), forward, item(5, "so?")])
    inside = [item(3, "one", by="ou_b", chat_id="oc_9"), item(4, "ours", by="cli_1")]
    platform.single["om_2"] = [forward, *({**each, "upper_message_id": "om_2"} for each in inside)]
    thread = await reader(platform).read(turn(), EN)
    assert [(each.who, each.words) for each in thread.said] == [("Ann", "look"), ("Bob", "one"), ("Ann", "so?")]
    assert thread.left_out == (LeftOut("ours", "not_summed_up", count=1),)


async def test_replies_end_where_one_is_of_another_chat() -> None:
    asked = item(9, thread_id="", parent_id="om_2")
    second = item(2, "second", thread_id="", parent_id="om_1")
    first = item(1, "first", thread_id="", chat_id="oc_2")
    thread_of = reader(Platform([first, second, asked]))
    with pytest.raises(ThreadUnreadable, match="nowhere"):
        await thread_of.read(turn(CHAT, "om_9"), EN)


@pytest.mark.parametrize(
    ("trouble", "why"),
    [
        (Forbidden(230027, "Lack of necessary permissions"), "no_scope"),
        (Forbidden(99991672, "Access denied"), "no_scope"),
        (Forbidden(230002, "outside the group"), "gone"),
    ],
)
async def test_what_stands_in_the_way_is_told_apart(trouble: Exception, why: str) -> None:
    with pytest.raises(ThreadUnreadable, match=why):
        await reader(Platform([], trouble=trouble)).read(turn(), EN)


async def test_an_outage_is_raised() -> None:
    with pytest.raises(Unreachable):
        await reader(Platform([], trouble=Unreachable("no connection"))).read(turn(), EN)


async def test_the_last_messages_of_a_topic_are_those_before_the_question() -> None:
    items = [item(1), item(2), {**item(3), "message_id": "om_asked"}, item(4)]
    last = await reader(Platform(items)).last_of_topic(turn(), EN, 1)
    assert [each.words for each in last] == ["message 2"]
    broken = reader(Platform([], trouble=Unreachable("no connection")))
    assert await broken.last_of_topic(turn(), EN, 1) == ()
    assert await broken.last_of_topic(turn(CHAT), EN, 1) == ()


SAID = tuple(Utterance(60.0 * number, "Ann" if number % 2 else "Bob", f"word {number}\nmore") for number in range(5))


def test_what_is_written_out_keeps_each_message_apart() -> None:
    lines = written_out(SAID).splitlines()
    assert len(lines) == 10 and lines[0].endswith("Bob: word 0") and lines[1] == "    more"


def test_as_many_messages_as_fit_go_in_and_the_rest_is_counted() -> None:
    thread = Thread("topic", SAID)
    assert fitting(thread, 10_000) == thread
    cut = fitting(thread, 25)
    assert 0 < len(cut.said) < 5 and cut.said[-1] == SAID[-1] and cut.earlier == 5 - len(cut.said)
    assert len(fitting(thread, 0).said) == 1


def test_without_a_model_everybody_is_counted_and_the_last_are_quoted() -> None:
    thread = Thread("replies", SAID)
    told = without_model(thread, ZH)
    assert "- Bob：3 条" in told and "- Ann：2 条" in told and "word 4 more" in told
    assert made_of(thread, ZH, by_model=False).startswith("📝 这串回复：2 人的 5 条消息")
    assert "no document" in made_of(thread, EN, by_model=True)


@pytest.mark.parametrize(
    ("typed", "wish"),
    [
        ("/summary", ""),
        ("/总结", ""),
        ("/Summary  who is it?", "who is it?"),
        ("/总结谁负责上线？", "谁负责上线？"),
        ("/总结一下", ""),
        ("/总结\n谁负责？", "谁负责？"),
        ("／小结 谁", "谁"),
        ("总结", None),
        ("/summaryx", None),
        ("/help", None),
    ],
)
def test_the_command_and_what_follows_it(typed: str, wish: str | None) -> None:
    assert asked_of_thread(typed) == wish


def test_a_summary_costs_and_waits_like_a_question() -> None:
    message = as_message(item(1, "/summary"))
    assert deed_of(message, "/summary", "mention") == "question"
    assert deed_of(message, "/help", "mention") == "command"


def test_other_commands_keep_what_follows_them() -> None:
    command = parse_command("/feedback too\nlong ")
    assert command is not None and (command.kind, command.rest) == ("feedback", "too\nlong")
