"""A question that was asked by pressing its button."""

import orjson

from bot.repositories.chat_facts import Suggestion
from feishu.events.types import CardAction, MessageReceived


def asked_by_click(click: CardAction, found: Suggestion) -> MessageReceived:
    """The question of a button as if the clicker had written it in reply to the card."""
    _, _, thread_id = found.conversation.partition("/")
    return MessageReceived(
        app_id=click.app_id,
        tenant_key=click.tenant_key,
        event_id=click.event_id,
        created_at=click.created_at,
        message_id=click.message_id,
        chat_id=click.chat_id,
        chat_type=found.chat_type,
        thread_id=thread_id,
        root_id="",
        parent_id="",
        message_type="text",
        content=orjson.dumps({"text": found.question}).decode(),
        mentions=(),
        sender_open_id=click.operator_open_id,
        sender_type="user",
    )
