"""What is read out of events, however much the platform leaves out."""

import json
from typing import Any

import pytest

from feishu.events.parsing import parse_event, seconds
from feishu.events.text import image_keys, mentions_all, mentions_bot, text_of
from feishu.events.types import CardAction, Mention, MessageReceived

BOT = "ou_bot"
HEADER = {"event_id": "e1", "create_time": "1700000000000", "app_id": "cli", "tenant_key": "tk"}


def message(content: object, *, kind: str = "text", mentions: Any = None, **more: Any) -> MessageReceived:
    raw = content if isinstance(content, str) else json.dumps(content)
    body = {"message_id": "om_1", "chat_id": "oc_1", "message_type": kind, "content": raw, "mentions": mentions} | more
    event = parse_event(
        {"schema": "2.0", "header": HEADER | {"event_type": "im.message.receive_v1"}, "event": {"message": body}},
        received_at=5.0,
    )
    assert isinstance(event, MessageReceived)
    return event


def mention(key: str, name: str, open_id: str | None) -> dict[str, Any]:
    return {"key": key, "name": name, "id": {"open_id": open_id, "user_id": None}}


def text(found: MessageReceived) -> str:
    return text_of(found, bot_open_id=BOT)


TOM = mention("@_user_1", "Tom", "ou_tom")
US = mention("@_user_2", "问答", BOT)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("1502199207.71", 1502199207.71),
        ("1700000000", 1_700_000_000.0),
        ("1700000000123", 1_700_000_000.123),
        ("1700000000000000", 1_700_000_000.0),
        (1_700_000_000_000, 1_700_000_000.0),
        (None, 5.0),
        ("", 5.0),
        ("soon", 5.0),
        ("-1", 5.0),
        ("inf", 5.0),
        ("9" * 5000, 5.0),
        (10**400, 5.0),
        (True, 5.0),
        ([], 5.0),
    ],
)
def test_moments_are_read_by_magnitude(value: object, expected: float) -> None:
    assert seconds(value, 5.0) == pytest.approx(expected)


def test_loose_fields_have_empty_values() -> None:
    found = message(
        "{}", mentions=[{"key": "@_all", "name": "所有人", "id": {}}, {}, None, {"id": None}], thread_id=None
    )
    assert found.thread_id == ""
    assert (found.sender_open_id, found.sender_type) == ("", "")
    assert found.mentions == (Mention("@_all", "", "所有人"), Mention("", "", ""), Mention("", "", ""))
    assert found.chat_type == "group", "what is not surely private needs a mention"
    assert not mentions_bot(found, "")


@pytest.mark.parametrize("kind", ["", "image", "text", "post", "hongbao"])
@pytest.mark.parametrize(
    "content", ["", "{", "[1]", '"text"', '{"text": 7}', '{"content": 7}', '{"content": [7, [8]]}']
)
def test_content_that_is_nothing_is_empty_text(kind: str, content: str) -> None:
    assert text(message(content, kind=kind)) == ""


@pytest.mark.parametrize(
    ("written", "mentions", "read"),
    [
        ("  报销流程是什么？ ", None, "报销流程是什么？"),
        ("@_user_2 ask @_user_1 please", [TOM, US], "ask @Tom please"),
        ("ask @_user_2 please", [US], "ask please"),
        ("@_user_1 and @_user_10", [TOM, mention("@_user_10", "Ann", "ou_ann")], "@Tom and @Ann"),
        ("@_user_22024年的年假", [US], "2024年的年假"),
        ("@_user_2你好", [US], "你好"),
        ("@_all 开会 @_user_7", [], "@all 开会 @_user_7"),
        ("@_all hi", [{"key": "@_all", "name": "所有人", "id": {"open_id": ""}}], "@所有人 hi"),
        ("@_user_1", [mention("@_user_1", "", "ou_x")], "@somebody"),
        ("@_user_1 x", [mention("@_user_1", "@_user_2", "ou_x"), US], "@@_user_2 x"),
    ],
)
def test_only_the_bots_own_mention_is_removed(written: str, mentions: Any, read: str) -> None:
    assert text(message({"text": written}, mentions=mentions)) == read


def test_half_an_emoji_does_not_lose_the_question() -> None:
    assert text(message('{"text": "年假 \\ud83d 几天"}')) == "年假 ? 几天"


def test_the_bot_is_mentioned_by_its_own_id_only() -> None:
    assert mentions_bot(message("{}", mentions=[TOM, US]), BOT)
    assert not mentions_bot(message("{}", mentions=[TOM]), BOT)
    assert not mentions_bot(message("{}", mentions=[mention("@_user_1", "问答", "ou_other")]), BOT)


POST = {
    "title": "标题",
    "content": [
        [{"tag": "at", "user_id": "@_user_2", "user_name": "问答"}, {"tag": "text", "text": " 请看 "}],
        [{"tag": "a", "text": "手册", "href": "https://e.cn"}, {"tag": "img", "image_key": "img_1"}],
        [{"tag": "code_block", "language": "GO", "text": "x := 1\n"}, {"tag": "hr"}],
        [{"tag": "md", "text": "**粗**"}, {"tag": "emotion", "emoji_type": "OK"}, {"tag": "a", "href": "https://h"}],
        [{"tag": "at", "user_id": "ou_ann", "user_name": "Ann"}, {"tag": "at", "user_id": "all"}, "odd"],
    ],
}


@pytest.mark.parametrize("content", [POST, {"zh_cn": POST}, {"post": {"en_us": POST}}, {"de_de": POST}])
def test_posts_are_read_with_and_without_a_locale(content: dict[str, Any]) -> None:
    read = text(message(content, kind="post", mentions=[US]))
    assert read == "标题\n请看 \n手册\n\n```go\nx := 1\n```\n\n**粗**https://h\n@Ann@all"


def card_action(action: Any, **event: Any) -> CardAction:
    found = parse_event(
        {
            "schema": "2.0",
            "header": HEADER | {"event_type": "card.action.trigger", "create_time": "1603977298000000"},
            "event": {"action": action} | event,
        },
        received_at=5.0,
    )
    assert isinstance(found, CardAction)
    return found


def test_card_actions_are_read() -> None:
    found = card_action(
        {
            "value": {"a": 1},
            "form_value": {"reason": "x"},
            "name": "submit",
            "tag": "button",
            "option": "o",
            "input_value": "i",
        },
        operator={"open_id": "ou_alice"},
        context={"open_chat_id": "oc_1", "open_message_id": "om_1"},
    )
    assert found.created_at == 1603977298.0
    assert (found.value, found.form_value) == ({"a": 1}, {"reason": "x"})
    assert (found.operator_open_id, found.chat_id, found.message_id) == ("ou_alice", "oc_1", "om_1")
    assert (found.name, found.tag, found.option, found.input_value) == ("submit", "button", "o", "i")
    assert not found.legacy


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": [value]}
    return value


@pytest.mark.parametrize("odd", ["text", 7, None, [], nested(400)])
def test_odd_values_of_a_button_are_empty(odd: Any) -> None:
    assert card_action({"value": odd, "form_value": odd}).value == {}
    assert card_action(odd if isinstance(odd, str) else None).value == {}


def test_ordinary_nesting_is_kept() -> None:
    assert card_action({"value": nested(8)}).value == nested(8)


def test_a_rich_text_may_carry_its_words_as_markdown() -> None:
    """`content_v2`, case 43: with the bot's mention as a tag, whose placeholder is among the mentions."""
    at = {"tag": "at", "user_id": "@_user_2", "user_name": "问答"}
    md = '<at user_id="@_user_2">问答</at> 差旅报销单几天内提交？\n| 项目 | 期限 |\n| --- | --- |'
    content = {"title": "", "content": [[at]], "content_v2": [[{"tag": "md", "text": md}]]}
    asked = "差旅报销单几天内提交？\n| 项目 | 期限 |\n| --- | --- |"
    assert text(message(content, kind="post", mentions=[TOM, US])) == asked
    assert text(message({"zh_cn": content}, kind="post", mentions=[US])) == asked
    assert text(message({"content_v2": md}, kind="post", mentions=[US])) == asked
    named = {
        "content_v2": [[{"tag": "md", "text": f"<at id={BOT}></at> 问 <at user_id='ou_x'>王五</at> <at id=all></at>"}]]
    }
    assert text(message(named, kind="post")) == "问 @王五 @all"


def test_of_two_forms_of_a_rich_text_the_one_with_words_is_read() -> None:
    at = {"tag": "at", "user_id": "@_user_2"}
    old = [[at, {"tag": "text", "text": "问题"}]]
    for newer in ([], None, "", [[{"tag": "md", "text": "@_user_2 "}]], 7, [[{"tag": "md"}]]):
        assert text(message({"content": old, "content_v2": newer}, kind="post", mentions=[US])) == "问题"
    both = {"content": old, "content_v2": [[{"tag": "md", "text": "**问题**"}]]}
    assert text(message(both, kind="post", mentions=[US])) == "**问题**"


def test_pictures_of_a_rich_text_are_found_in_both_forms() -> None:
    newer = [[{"tag": "md", "text": "看 ![图](img_v3_2) ![x](https://a.cn/i.png)"}]]
    found = message({"content": [[{"tag": "img", "image_key": "img_1"}]], "content_v2": newer}, kind="post")
    assert image_keys(found) == ("img_1", "img_v3_2")
    assert text(found) == "看  ![x](https://a.cn/i.png)"
    assert image_keys(message({"image_key": "img_3"}, kind="image")) == ("img_3",)
    assert image_keys(message({"text": '"img" ![a](img_4)'})) == ()


def test_everybody_is_mentioned_in_markdown_too() -> None:
    md = [[{"tag": "md", "text": '<at user_id="all"></at> 开会'}]]
    assert mentions_all(message({"content_v2": md}, kind="post"))
    assert not mentions_all(
        message({"content_v2": [[{"tag": "md", "text": '<at user_id="ou_1">x</at>'}]]}, kind="post")
    )


def test_what_nobody_sees_is_not_read() -> None:
    assert (
        text(message({"text": "报\u200b销\u202e单 👩\u200d💻 می\u200cخواهم\x07"})) == "报销单 👩\u200d💻 می\u200cخواهم"
    )
