"""Messages as the platform's API gives them, in the form in which events bring them."""

from typing import Any

from bot.inbox.queue import Job
from feishu.api.messages import Messages
from feishu.events.types import Mention, MessageReceived

Item = dict[str, Any]


async def fetched_items(messages: Messages, message_id: str) -> list[Item]:
    """The message; of a merged forward, those in it, too. Raises `FeishuError`."""
    items = (await messages.fetch(message_id)).get("items")
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def as_message(item: Item, *, chat_type: str = "", job: Job | None = None) -> MessageReceived:
    """One of them. What the API does not tell (`event_id`, with `job` the app) is taken from there or empty."""
    sender, body = _object(item.get("sender")), _object(item.get("body"))
    mentions = item.get("mentions")
    return MessageReceived(
        app_id=job.app_id if job else "",
        tenant_key=str(sender.get("tenant_key") or ""),
        event_id="",
        created_at=job.created_at if job else 0.0,
        message_id=str(item.get("message_id") or ""),
        chat_id=str(item.get("chat_id") or ""),
        chat_type=chat_type,
        thread_id=str(item.get("thread_id") or ""),
        root_id=str(item.get("root_id") or ""),
        parent_id=str(item.get("parent_id") or ""),
        message_type=str(item.get("msg_type") or ""),
        content=str(body.get("content") or ""),
        mentions=tuple(
            Mention(str(each.get("key") or ""), _id_of(each.get("id")), str(each.get("name") or ""))
            for each in (mentions if isinstance(mentions, list) else [])
            if isinstance(each, dict)
        ),
        sender_open_id=str(sender.get("id") or ""),
        sender_type=str(sender.get("sender_type") or ""),
    )


def _id_of(value: object) -> str:
    """The API gives an id as text, events as an object of ids."""
    return str(_object(value).get("open_id") or "") if isinstance(value, dict) else str(value or "")


def _object(value: object) -> Item:
    return value if isinstance(value, dict) else {}
