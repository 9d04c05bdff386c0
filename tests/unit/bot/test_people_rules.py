"""Commands, quiet hours, lists, memory's guesses, suggestions: the pure parts."""

from datetime import datetime

import pytest

from bot.intake.commands import Command, parse_command, says_its_language
from bot.intake.policy import Attempt, Policy, is_quiet, judge, may_press
from bot.intake.suggestions import examples
from bot.settings.people import PeopleSettings
from bot.texts import ZH
from feishu.events.parsing import parse_event
from feishu.events.types import Mention, MessageReceived, Reacted, Recalled
from rag.index.outline import Title
from rag.text.tokenizer import likely_tokens


def message(**fields: object) -> MessageReceived:
    known: dict[str, object] = {
        "app_id": "a", "tenant_key": "t", "event_id": "e", "created_at": 1.0, "message_id": "om_1",
        "chat_id": "oc_1", "chat_type": "group", "thread_id": "", "root_id": "", "parent_id": "",
        "message_type": "text", "content": '{"text":"x"}', "mentions": (), "sender_open_id": "ou_1",
        "sender_type": "user",
    }  # fmt: skip
    return MessageReceived(**{**known, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("/help", Command("help")),
        (" ／帮助 ", Command("help")),
        ("/NEW", Command("new")),
        ("/反馈 太旧了", Command("feedback", "太旧了")),
        ("/etc/passwd 在哪", None),
        ("help", None),
        ("", None),
        ("你好！👋", Command("greeting")),
        (" Hello, there ", Command("greeting")),
        ("ＨＩ～", Command("greeting")),
        ("谢谢 🙏", Command("thanks")),
        ("OK, got it", Command("noted")),
        ("好的，谢谢！", Command("thanks")),
        ("ok thanks bye", Command("thanks")),
        ("拜拜～", Command("farewell")),
        ("嗯嗯", Command("noted")),
        ("不用了", Command("noted")),
        ("哈哈哈哈", Command("noted")),
        ("[赞]", Command("noted")),
        ("❤️", Command("noted")),
        ("OK？", None),
        ("OK 之后怎么办", None),
        ("好评返现", None),
        ("对账", None),
        ("早退", None),
        ("赞助", None),
        ("?", None),
        ("你好，年假有几天？", None),
        ("谢谢！那病假呢", None),
        ("👍", Command("noted")),
    ],
)
def test_commands_are_told_from_questions(text: str, command: Command | None) -> None:
    assert parse_command(text) == command


def test_quiet_hours_may_cross_midnight() -> None:
    night = "22:00-07:30"
    hours = {hour: is_quiet(night, datetime(2026, 1, 1, hour, 0)) for hour in (21, 22, 3, 7, 8)}
    assert hours == {21: False, 22: True, 3: True, 7: True, 8: False}
    assert not is_quiet("", datetime(2026, 1, 1, 3, 0))


def test_everybody_mentioned_counts_only_where_it_is_wanted() -> None:
    everyone = message(content='{"text":"@_all 你好"}', mentions=(Mention("@_all", "", "所有人"),))
    assert type(judge(everyone, bot_open_id="ou_bot")).__name__ == "Unaddressed"
    assert type(judge(everyone, bot_open_id="ou_bot", answer_at_all=True)).__name__ == "Admitted"
    assert type(judge(message(sender_type="app"), bot_open_id="ou_bot", answer_at_all=True)).__name__ == "Ignored"


@pytest.mark.parametrize("chat_type", ["group", "p2p"])
@pytest.mark.parametrize("sender_type", ["bot", "app", "", "service"])
def test_no_bot_gets_an_answer_whomever_it_mentions(sender_type: str, chat_type: str) -> None:
    mentioning = (Mention("@_user_1", "ou_bot", "bot"), Mention("@_all", "", "all"))
    other = message(sender_type=sender_type, chat_type=chat_type, mentions=mentioning, sender_open_id="ou_other")
    for known in ("ou_bot", None):
        assert type(judge(other, bot_open_id=known, answer_at_all=True)).__name__ == "Ignored"


def test_our_own_message_gets_none_whatever_its_sender_is_called() -> None:
    ours = message(sender_open_id="ou_bot", chat_type="p2p")
    assert type(judge(ours, bot_open_id="ou_bot")).__name__ == "Ignored"


def test_lists_and_admins() -> None:
    here, private = Attempt("question", "ou_1", "oc_1", "group"), Attempt("question", "ou_1", "oc_1", "p2p")
    assert Policy(PeopleSettings(allow_people=["ou_2"])).refusal(here, 0) == "not_for_you"
    assert Policy(PeopleSettings(allow_people=["ou_2"], admins=["ou_1"])).refusal(here, 0) is None
    assert Policy(PeopleSettings(deny_chats=["oc_1"])).refusal(here, 0) == "not_here"
    assert Policy(PeopleSettings(deny_chats=["oc_1"])).refusal(private, 0) is None
    assert not may_press("stop", "ou_2", "ou_1", PeopleSettings(stop_by="asker"))
    assert may_press("up", "ou_2", "ou_1", PeopleSettings(stop_by="asker"))


def test_a_pleasantry_without_end_is_judged_at_once() -> None:
    assert parse_command("好了解" * 13 + "x") is None and parse_command("好" * 39 + "？") is None


def test_tokens_are_estimated() -> None:
    assert likely_tokens("报销 abcd") == 4


def test_examples_come_from_different_documents() -> None:
    titles = [Title(f"制度{n}", None, "default", (f"一、时限{n}",)) for n in range(9)]
    found = examples(titles, ZH)
    assert [question for question, _ in found] == ["时限0 有什么规定？", "时限3 有什么规定？", "时限6 有什么规定？"]
    assert examples([], ZH) == []


def test_reactions_and_recalls_are_typed() -> None:
    def event(kind: str, body: dict[str, object]) -> object:
        header = {"event_id": "e", "event_type": kind, "app_id": "a", "create_time": "1700000000000"}
        return parse_event({"schema": "2.0", "header": header, "event": body}, received_at=1.0)

    reaction = {"message_id": "om_1", "reaction_type": {"emoji_type": "THUMBSUP"}, "operator_type": "user"}
    reaction |= {"user_id": {"open_id": "ou_1"}}
    found = event("im.message.reaction.deleted_v1", reaction)
    assert isinstance(found, Reacted) and found.removed and found.operator_open_id == "ou_1"
    recalled = event("im.message.recalled_v1", {"message_id": "om_1", "chat_id": "oc_1"})
    assert isinstance(recalled, Recalled) and recalled.message_id == "om_1"


@pytest.mark.parametrize(
    ("text", "says"),
    [("/help", False), ("／help", False), ("/帮助", True), ("/feedback good", True), ("hello", True), ("谢谢", True)],
)
def test_a_command_says_its_language_by_more_than_its_name(text: str, says: bool) -> None:
    command = parse_command(text)
    assert command is not None
    assert says_its_language(text, command) is says
