"""An outside client judges the sandbox: the official SDK gets a token, creates, sends, streams and closes a card."""

import asyncio
import importlib.util
import json
from typing import Any

import pytest

from feishu.sandbox import Sandbox, SandboxSettings, running

# Looked for, not imported: that takes seconds, in every process that collects tests.
pytestmark = pytest.mark.skipif(importlib.util.find_spec("lark_oapi") is None, reason="the official SDK is a dev extra")

CARD = {
    "schema": "2.0",
    "config": {"streaming_mode": True, "update_multi": True},
    "header": {"title": {"tag": "plain_text", "content": "标题"}, "template": "blue"},
    "body": {"elements": [{"tag": "markdown", "element_id": "answer", "content": ""}]},
}


def stream_a_card(base_url: str, settings: SandboxSettings, chat_id: str) -> list[tuple[str, Any]]:
    """The whole life of a card, synchronously, as the SDK's own examples do it."""
    import lark_oapi as lark
    from lark_oapi.api.cardkit.v1 import (
        Card,
        ContentCardElementRequest,
        ContentCardElementRequestBody,
        CreateCardRequest,
        CreateCardRequestBody,
        SettingsCardRequest,
        SettingsCardRequestBody,
        UpdateCardRequest,
        UpdateCardRequestBody,
    )
    from lark_oapi.api.im.v1 import CreateMessageRequest, CreateMessageRequestBody

    client = lark.Client.builder().app_id(settings.app_id).app_secret(settings.app_secret).domain(base_url).build()
    cards, steps = client.cardkit.v1, []
    body = CreateCardRequestBody.builder().type("card_json").data(json.dumps(CARD)).build()
    created = cards.card.create(CreateCardRequest.builder().request_body(body).build())
    steps.append(("create", created))
    card_id = created.data.card_id
    entity = json.dumps({"type": "card", "data": {"card_id": card_id}})
    message = CreateMessageRequestBody.builder().receive_id(chat_id).msg_type("interactive").content(entity).build()
    request = CreateMessageRequest.builder().receive_id_type("chat_id").request_body(message).build()
    steps.append(("send", client.im.v1.message.create(request)))
    for sequence, text in enumerate(("你", "你好", "你好，世界"), 1):
        frame = ContentCardElementRequestBody.builder().content(text).sequence(sequence).build()
        put = ContentCardElementRequest.builder().card_id(card_id).element_id("answer").request_body(frame).build()
        steps.append(("content", cards.card_element.content(put)))
    off = json.dumps({"config": {"streaming_mode": False, "summary": {"content": "你好"}}})
    closing = SettingsCardRequestBody.builder().settings(off).sequence(4).build()
    steps.append(
        ("close", cards.card.settings(SettingsCardRequest.builder().card_id(card_id).request_body(closing).build()))
    )
    final = {**CARD, "config": {"update_multi": True}}
    whole = (
        UpdateCardRequestBody.builder()
        .card(Card.builder().type("card_json").data(json.dumps(final)).build())
        .sequence(5)
        .build()
    )
    steps.append(
        ("update", cards.card.update(UpdateCardRequest.builder().card_id(card_id).request_body(whole).build()))
    )
    late = ContentCardElementRequestBody.builder().content("迟到").sequence(6).build()
    put = ContentCardElementRequest.builder().card_id(card_id).element_id("answer").request_body(late).build()
    steps.append(("late content", cards.card_element.content(put)))
    return steps


async def test_the_official_sdk_streams_a_card_through_the_sandbox() -> None:
    settings = SandboxSettings()
    sandbox = Sandbox(settings)
    async with running(sandbox) as url:
        steps = await asyncio.to_thread(stream_a_card, url, settings, "oc_product")
    outcomes = [(name, reply.code) for name, reply in steps]
    assert outcomes == [
        ("create", 0),
        ("send", 0),
        ("content", 0),
        ("content", 0),
        ("content", 0),
        ("close", 0),
        ("update", 0),
        ("late content", 300309),
    ]
    card = next(iter(sandbox.world.entities.values()))
    assert [frame.content for frame in card.frames if frame.operation == "card.content"] == ["你", "你好", "你好，世界"]
    assert not card.streaming
    assert [rule.name for rule in sandbox.violations] == ["streaming_closed"]
