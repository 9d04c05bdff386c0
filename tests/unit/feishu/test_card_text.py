"""The words of other bots' cards, in every form in which the platform gives them."""

import json
from typing import Any

import pytest

from feishu.events.card_text import MAX_CHARS, card_text

V2 = {
    "schema": "2.0",
    "header": {"title": {"tag": "plain_text", "content": "差旅系统告警"}, "subtitle": {"content": "生产"}},
    "body": {
        "elements": [
            {
                "tag": "markdown",
                "content": "报销接口超时，<font color='red'>错误码</font> EXP-7719<br>请 <at id=ou_1></at>处理",
            },
            {
                "tag": "column_set",
                "columns": [{"tag": "column", "elements": [{"tag": "div", "text": {"content": "左栏"}}]}],
            },
            {
                "tag": "collapsible_panel",
                "header": {"title": {"tag": "plain_text", "content": "细节"}},
                "elements": [{"tag": "markdown", "content": "堆栈"}],
            },
            {
                "tag": "table",
                "columns": [{"name": "a", "display_name": "项目"}, {"name": "b", "display_name": "次数"}],
                "rows": [{"a": "超时", "b": 3}, {"a": {"content": "拒绝"}, "b": "1"}],
            },
            {"tag": "img", "img_key": "img_1", "alt": {"content": "曲线"}},
            {"tag": "hr"},
            {
                "tag": "button",
                "name": "submit_1",
                "text": {"tag": "plain_text", "content": "查看"},
                "behaviors": [{"type": "callback", "value": {"content": "secret"}}, {"default_url": "https://x"}],
            },
            {"tag": "form", "name": "f", "elements": [{"tag": "input", "name": "i", "label": {"content": "原因"}}]},
            {"tag": "component_of_tomorrow", "title": {"content": "新组件"}},
        ]
    },
}
SAID = ["差旅系统告警", "生产", "报销接口超时，错误码 EXP-7719", "请 处理", "左栏", "细节", "堆栈", "项目 | 次数"]
SAID += ["超时 | 3", "拒绝 | 1", "曲线", "查看", "原因", "新组件"]
V1 = {
    "config": {"wide_screen_mode": True},
    "header": {"template": "red", "title": {"tag": "plain_text", "content": "构建失败"}},
    "elements": [
        {"tag": "div", "text": {"tag": "lark_md", "content": "**MARK-V1**"}, "fields": [{"text": {"content": "分支"}}]},
        {"tag": "note", "elements": [{"tag": "plain_text", "content": "备注"}]},
        {"tag": "action", "actions": [{"tag": "button", "text": {"content": "重试"}, "value": {"k": "no"}}]},
    ],
}
SIMPLE = {
    "title": "构建失败",
    "elements": [
        [{"tag": "text", "text": "MARK"}, {"tag": "a", "text": "日志", "href": "https://x"}],
        [{"tag": "at", "user_id": "ou_1", "user_name": "王五"}, {"tag": "img", "image_key": "img_1"}],
    ],
}
SEVERAL = {
    "i18n_header": {"en_us": {"title": {"content": "Alert"}}, "zh_cn": {"title": {"content": "告警"}}},
    "i18n_elements": {"zh_cn": [{"tag": "markdown", "content": "超时"}], "en_us": []},
}
SEVERAL_V2 = {
    "schema": "2.0",
    "header": {"title": {"tag": "plain_text", "content": "", "i18n_content": {"zh_cn": "告警", "en_us": "Alert"}}},
    "body": {"elements": [{"tag": "markdown", "i18n_content": {"en_us": "Timeout"}}]},
}


def read(card: Any) -> list[str]:
    return card_text(card if isinstance(card, str) else json.dumps(card, ensure_ascii=False)).split("\n")


def test_a_card_of_schema_2_is_read_from_top_to_bottom() -> None:
    assert read(V2) == SAID


@pytest.mark.parametrize("wrapper", ["user_dsl", "user_card", "json_card"])
@pytest.mark.parametrize("as_text", [True, False])
def test_wrappers_are_taken_off(wrapper: str, as_text: bool) -> None:
    assert read({wrapper: json.dumps(V2) if as_text else V2}) == SAID
    assert read({"type": "card_json", "data": {wrapper: json.dumps(V2)}}) == SAID


def test_older_and_simplified_cards_are_read() -> None:
    assert read(V1) == ["构建失败", "**MARK-V1**", "分支", "备注", "重试"]
    assert read(SIMPLE) == ["构建失败", "MARK 日志", "@王五"]


def test_of_several_languages_one_is_read() -> None:
    assert read(SEVERAL) == ["告警", "超时"]
    assert read(SEVERAL_V2) == ["告警", "Timeout"]


@pytest.mark.parametrize(
    "raw",
    [
        '{"title": null, "elements": [[{"tag": "text", "text": "请升级至最新版本客户端，以查看内容"}]]}',
        '{"type": "template", "data": {"template_id": "AAq", "template_variable": {"content": "x"}}}',
        "{}",
        "[]",
        "null",
        "not json",
        "",
        '{"user_dsl": "not json"}',
        '{"elements": 7, "header": [], "title": {"content": 5}}',
    ],
)
def test_what_has_no_words_gives_none(raw: str) -> None:
    assert card_text(raw) == ""


def test_a_hostile_card_is_bounded() -> None:
    nested: Any = {"tag": "markdown", "content": "deep"}
    for _ in range(200):
        nested = {"tag": "div", "elements": [nested]}
    assert card_text(json.dumps({"elements": [nested]})) == ""
    wide = {"elements": [{"tag": "markdown", "content": f"{number} {'x' * 50}"} for number in range(20_000)]}
    assert len(card_text(json.dumps(wide))) <= MAX_CHARS
    wrapped = "{}"
    for _ in range(20):
        wrapped = json.dumps({"user_dsl": wrapped}) if len(wrapped) < 10_000 else wrapped
    assert card_text(wrapped) == ""
