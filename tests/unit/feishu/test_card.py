"""Cards are made of documented properties only: the sandbox reads them as strictly as the platform does."""

import json

import pytest

from feishu.cards.elements import (
    MAX_CARD_BYTES,
    Card,
    button,
    card,
    card_bytes,
    card_json,
    collapsible_panel,
    column,
    column_set,
    confirm,
    form,
    header,
    hr,
    img,
    input_,
    markdown,
    note,
    plain,
    select,
    streaming_config,
)
from feishu.sandbox.refusal import CardInvalid
from feishu.sandbox.rules.schema import check_card
from feishu.sandbox.rules.shapes import Walk


def everything() -> Card:
    votes = [
        button("👍", value={"a": "up"}, element_id="fb_up", size="small", type="text"),
        button("🔄", value={"a": "again"}, confirm=confirm("重来？", "旧的回答会保留"), disabled=True),
        button("手册", url="https://e.cn/handbook"),
    ]
    why = [
        select("kind", [("答非所问", "off"), ("过时", "old")], placeholder="原因", required=True, element_id="kind"),
        input_("reason", placeholder="说说看", required=True, max_length=500, multiline=True, element_id="reason"),
        button("提交", value={"a": "why"}, name="submit", submit=True, type="primary"),
    ]
    return card(
        [
            markdown("**hi**", element_id="answer", size="heading", icon="chat_outlined"),
            plain("plain <at id=all></at>", element_id="p1", size="notation", color="grey"),
            note("3.2 s", element_id="n1"),
            hr(element_id="line"),
            img("img_v2_1", alt="chart", element_id="pic"),
            collapsible_panel("来源", [markdown("1. 手册")], element_id="src", expanded=True),
            collapsible_panel("bare", [], border=False),
            column_set(
                [column([vote], width="weighted", weight=1, vertical_align="center") for vote in votes],
                element_id="bar",
                flex_mode="flow",
            ),
            form("why", why, element_id="why"),
        ],
        header=header("问题 <b>", subtitle="v2", template="blue"),
        summary="preview",
        streaming=True,
        streaming_config=streaming_config(print_frequency_ms=50, print_step=4, strategy="delay"),
        width_mode="fill",
        enable_forward=False,
    )


@pytest.mark.parametrize(
    "made", [everything(), card([markdown("")]), card([form("f", [button("s", name="s", submit=True)])])]
)
def test_every_property_is_a_documented_one(made: Card) -> None:
    check_card(made, Walk(images=frozenset({"img_v2_1"})))


def test_the_judge_does_refuse() -> None:
    with pytest.raises(CardInvalid):
        check_card(card([markdown("x") | {"colour": "red"}]), Walk())


def test_a_streaming_card_says_so_and_how_to_type() -> None:
    config = everything()["config"]
    assert config["streaming_mode"] is True
    assert config["streaming_config"] == {
        "print_frequency_ms": {"default": 50},
        "print_step": {"default": 4},
        "print_strategy": "delay",
    }
    assert (config["summary"], config["update_multi"]) == ({"content": "preview"}, True)
    assert "streaming_mode" not in card([])["config"], "a full update without it keeps the card closed"


def test_nothing_absent_is_written() -> None:
    assert "null" not in card_json(everything())
    assert button("x") == {"tag": "button", "text": {"tag": "plain_text", "content": "x"}, "type": "default"}


def test_the_size_is_that_of_the_json_on_the_wire() -> None:
    made = card([markdown('报销 "\n' * 1000)])
    assert card_bytes(made) == len(card_json(made).encode())
    assert card_bytes(made) > len('报销 "\n'.encode()) * 1000, "escapes count"
    assert json.loads(card_json(made)) == made
    assert card_bytes(card([markdown("x" * MAX_CARD_BYTES)])) > MAX_CARD_BYTES


def test_half_an_emoji_does_not_break_a_card() -> None:
    assert json.loads(card_json(card([markdown("年假 \ud83d")])))["body"]["elements"][0]["content"] == "年假 ?"
