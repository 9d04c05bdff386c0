"""Card 2.0 as the platform reads it: what is accepted, and the code of each refusal."""

from typing import Any

import pytest

from tests.support.fake_bot import final_card, streaming_card
from tests.support.platform_client import GROUP, card, markdown, plain, platform_client

BUTTON: dict[str, Any] = {"tag": "button", "text": plain("按"), "behaviors": [{"type": "callback", "value": {"a": 1}}]}
SUBMIT: dict[str, Any] = {**BUTTON, "name": "send", "form_action_type": "submit"}
INPUT: dict[str, Any] = {"tag": "input", "name": "reason"}
TABLE: dict[str, Any] = {"tag": "table", "columns": [{"name": "a", "data_type": "text"}], "rows": [{"a": "1"}]}
PIPES = "| a | b |\n|---|---|\n| 1 | 2 |\n\n"


def panel(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"tag": "collapsible_panel", "header": {"title": plain("更多")}, "elements": list(elements)}


def form(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"tag": "form", "name": "f", "elements": list(elements)}


def nested(depth: int) -> dict[str, Any]:
    return markdown("底") if depth == 0 else panel(nested(depth - 1))


ACCEPTED = {
    "a streaming card": streaming_card("问题"),
    "a finished card": final_card("问题"),
    "a form with a submit button": card(form(INPUT, SUBMIT)),
    "five levels of containers": card(nested(5)),
    "four tables in one element": card(markdown(PIPES * 4)),
    "tables in a code block are no tables": card(markdown("```\n" + PIPES * 6 + "```")),
    "five table components": card(*[TABLE] * 5),
    "an external image in a code block": card(markdown("```\n![x](https://e.com/a.png)\n```")),
    "a mention of a member": card(markdown("<at id=ou_zhouming></at>")),
    "two hundred elements": card(*[markdown(str(number)) for number in range(200)]),
    "columns": card(
        {"tag": "column_set", "columns": [{"tag": "column", "width": "weighted", "weight": 1, "elements": [BUTTON]}]}
    ),
}

REFUSED: dict[str, tuple[dict[str, Any], int]] = {
    "another schema": ({"elements": []}, 300303),
    "an unknown top property": ({**card(), "i18n_elements": {}}, 200621),
    "an unknown config": (card(wide_screen_mode=True), 200621),
    "an unknown property of markdown": (card(markdown("x", href={})), 200621),
    "an unknown property of a button": (card({**BUTTON, "value": {}}), 200621),
    "an unknown tag": (card({"tag": "blink"}), 200621),
    "a missing content": (card({"tag": "markdown"}), 200621),
    "a wrong type": (card({**BUTTON, "disabled": "no"}), 200621),
    "a wrong button type": (card({**BUTTON, "type": "huge"}), 200621),
    "a callback value that is no object": (card({**BUTTON, "behaviors": [{"type": "callback", "value": "x"}]}), 200621),
    "action rows of 1.0": (card({"tag": "action", "actions": []}), 200861),
    "notes of 1.0": (card({"tag": "note", "elements": []}), 200861),
    "update_multi off": (card(update_multi=False), 300302),
    "no elements": ({**card(), "body": {"elements": []}}, 300307),
    "a duplicate element_id": (card(markdown("a", element_id="x"), markdown("b", element_id="x")), 300301),
    "an element_id with a dash": (card(markdown("a", element_id="a-b")), 300301),
    "an element_id of 21 letters": (card(markdown("a", element_id="a" * 21)), 300301),
    "an element_id with a digit first": (card(markdown("a", element_id="1a")), 300301),
    "201 elements": (card(*[markdown(str(number)) for number in range(201)]), 300305),
    "more than 30 KB": (card(markdown("好" * 10_300)), 200860),
    "five tables in one element": (card(markdown(PIPES * 5)), 11310),
    "six table components": (card(*[TABLE] * 6), 11310),
    "a table in a container": (card(panel(TABLE)), 200621),
    "a row with unknown columns": (card({**TABLE, "rows": [{"b": "1"}]}), 200914),
    "six levels of containers": (card(nested(6)), 11310),
    "an external image": (card(markdown("![x](https://e.com/a.png)")), 200570),
    "an image nobody uploaded": (card({"tag": "img", "img_key": "img_v3_x", "alt": plain("")}), 200570),
    "a mention of nobody": (card(markdown("<at id=ou_nobody></at>")), 100290),
    "a form in a container": (card(panel(form(INPUT, SUBMIT))), 200621),
    "a form without submit": (card(form(INPUT)), 200621),
    "a form item without a name": (card(form({"tag": "input"}, SUBMIT)), 200530),
    "two form items of one name": (card(form(INPUT, INPUT, SUBMIT)), 200530),
    "a column outside a column set's columns": (card({"tag": "column_set", "columns": [markdown("x")]}), 200621),
    "elements that are no objects": ({**card(), "body": {"elements": ["x"]}}, 200621),
}


@pytest.mark.parametrize("name", ACCEPTED)
async def test_accepted(name: str) -> None:
    async with platform_client() as client:
        assert (await client.create(ACCEPTED[name])) == {
            "code": 0,
            "msg": "success",
            "data": {"card_id": "70000000000000000" + "01"},
        }


@pytest.mark.parametrize("name", REFUSED)
async def test_refused_by_cardkit_with_its_own_code_and_by_messages_inside_230099(name: str) -> None:
    content, code = REFUSED[name]
    async with platform_client() as client:
        assert (await client.create(content))["code"] == code
        if code in (300303, 200860):  # a 1.0 card is another dialect; a message over 30 KB has a code of its own
            return
        sent = await client.send("interactive", content)
        assert (sent["code"], f"ErrCode: {code};" in sent["msg"]) == (230099, True)
        assert client.sandbox.messages_in(GROUP) == []


async def test_text_that_is_not_json_is_refused() -> None:
    async with platform_client() as client:
        body = {"type": "card_json", "data": "{oops"}
        assert await client.code("POST", "/cardkit/v1/cards", body) == 200621
        assert await client.code("POST", "/cardkit/v1/cards", {**body, "data": '{"schema":"\\ud800"}'}) == 200621
        assert await client.code("POST", "/cardkit/v1/cards", {**body, "data": "[]"}) == 200621
