"""im/v1 messages: send, reply, PATCH, edit, get, list, recall (open.feishu.cn: im-v1/message)."""

from typing import Any

from feishu.sandbox.refusal import Refused, field_violation
from feishu.sandbox.rules.contents import (
    MAX_EDITS,
    attach_card,
    card_json,
    check_plain,
    check_raw_card,
    check_size,
    content_json,
    simplified,
    text_mentions,
    updatable,
)
from feishu.sandbox.rules.platform import UPDATABLE_S, Call, Platform
from feishu.sandbox.rules.rates import CHAT_WINDOW, PATCH_WINDOW, PERSON_WINDOW, message_rate
from feishu.sandbox.server.paging import page, sized
from feishu.sandbox.world import Chat, Message, World, compact

UUID_LIFE_S = 3600.0
GROUP_HISTORY = frozenset({"im:message.group_msg", "im:message.group_msg:readonly"})
ORDERS = ("ByCreateTimeAsc", "ByCreateTimeDesc")
KINDS = ("text", "post", "image", "file", "audio", "media", "sticker", "interactive", "share_chat", "share_user")


def send(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /im/v1/messages."""
    _require_bot(call)
    kind = call.query.get("receive_id_type", "")
    if kind not in ("open_id", "chat_id", "user_id", "union_id", "email"):
        raise field_violation("receive_id_type")
    receive_id = call.text("receive_id")
    chat = _receiver(platform, call, kind, receive_id)
    return _post(platform, call, chat, parent=None)


def reply(platform: Platform, call: Call) -> dict[str, Any]:
    """POST /im/v1/messages/:message_id/reply."""
    _require_bot(call)
    parent = existing(platform, call, missing=231003)
    return _post(platform, call, platform.world.chats[parent.chat_id], parent=parent)


def patch(platform: Platform, call: Call) -> dict[str, Any]:
    """PATCH /im/v1/messages/:message_id: only raw cards of this app, updatable before and after, for 14 days."""
    message = _own(platform, call)
    if message.message_type != "interactive":
        raise Refused(230001, "only interactive messages can be patched", "patch_kind")
    if message.card_id:
        raise Refused(230001, "a card sent as an entity is updated by CardKit", "patched_entity")
    if platform.now() - message.created_at > UPDATABLE_S:
        raise Refused(230031, "The message is older than 14 days", None)
    platform.rates.take(("patch", message.message_id), PATCH_WINDOW, message_rate("patch_rate"))
    content = call.text("content")
    card = card_json(content)
    if not updatable(message.card or {}) or not updatable(card):
        raise Refused(230099, "ErrCode: 300302; ErrMsg: update_multi must be true before and after; ", "update_multi")
    if (message.card or {}).get("schema") != card.get("schema"):
        raise Refused(230099, "ErrCode: 200800; ErrMsg: schema cannot change; ", "card_schema")
    check_raw_card(platform, call, content, card)
    message.card, message.content, message.updated_at = card, content, platform.now()
    platform.show(message)
    return {"data": {}}


def edit(platform: Platform, call: Call) -> dict[str, Any]:
    """PUT /im/v1/messages/:message_id: text and post, at most 20 times."""
    message = _own(platform, call)
    if message.message_type not in ("text", "post") or call.text("msg_type") != message.message_type:
        raise Refused(230054, "This message type cannot be edited", "edit_kind")
    if message.edits >= MAX_EDITS:
        raise Refused(230072, "The number of edits has reached its limit", "edits")
    content = call.text("content")
    check_size(message.message_type, content)
    message.content, message.edits, message.updated_at = content, message.edits + 1, platform.now()
    platform.show(message)
    return {"data": receipt(platform.world, message)}


def recall(platform: Platform, call: Call) -> dict[str, Any]:
    """DELETE /im/v1/messages/:message_id."""
    message = existing(platform, call, missing=230110)
    if message.sender_id != call.app.app_id:
        raise Refused(230026, "No permission to recall this message", "not_sender")
    message.recalled = True
    platform.show(message)
    return {"data": {}}


def fetch(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /im/v1/messages/:message_id; raw card JSON with card_msg_content_type=user_card_content."""
    message = existing(platform, call, missing=230110, recalled_too=True)
    raw = call.query.get("card_msg_content_type") == "user_card_content"
    children = [
        {**_item(platform, platform.world.messages[each], raw=raw), "upper_message_id": message.message_id}
        for each in message.forwarded
    ]
    return {"data": {"items": [_item(platform, message, raw=raw), *children]}}


def listed(platform: Platform, call: Call) -> dict[str, Any]:
    """GET /im/v1/messages: a chat without the replies in its topics, or a topic with its root. A group's messages need
    a scope of their own beside the endpoint's."""
    chat, found = _container(platform, call)
    if call.app.app_id not in chat.apps:
        raise Refused(230002, "The bot can not be outside the group.", "membership")
    if chat.kind == "group" and not call.app.scopes.intersection(GROUP_HISTORY):
        raise Refused(230027, "Lack of necessary permissions, ext=need scope: im:message.group_msg", "scope")
    order = call.query.get("sort_type") or ORDERS[0]
    if order not in ORDERS:
        raise field_violation("sort_type")
    seen = [each for each in found if each.visible_to is None]
    seen.sort(key=lambda each: (each.created_at, each.message_id), reverse=order == ORDERS[1])
    raw = call.query.get("card_msg_content_type") == "user_card_content"
    size = sized(call, most=50, usual=20, code=230001)
    return {"data": page(call, [_item(platform, each, raw=raw) for each in seen], "items", size, code=230001)}


def _container(platform: Platform, call: Call) -> tuple[Chat, list[Message]]:
    """The chat, and which of its messages are meant."""
    world, kind, wanted = platform.world, call.query.get("container_id_type", ""), call.query.get("container_id", "")
    if kind not in ("chat", "thread"):
        raise field_violation("container_id_type")
    messages = list(world.messages.values())
    if kind == "chat":
        if wanted not in world.chats:
            raise Refused(230001, "invalid container_id", "parameters")
        mine = [each for each in messages if each.chat_id == wanted]
        return world.chats[wanted], [each for each in mine if not (each.thread_id and each.root_id)]
    if call.query.get("start_time") or call.query.get("end_time"):
        raise Refused(230001, "a thread takes no range of times", "parameters")
    mine = [each for each in messages if each.thread_id == wanted]
    if not mine:
        raise Refused(230001, "invalid container_id", "parameters")
    return world.chats[mine[0].chat_id], mine


def _item(platform: Platform, message: Message, *, raw: bool) -> dict[str, Any]:
    """A fetched message; of a card its own JSON, or the simplified form."""
    item = receipt(platform.world, message)
    card = platform.world.shown_card(message)
    if message.message_type == "interactive" and card is not None and not message.recalled:
        key = platform.settings.raw_card_in
        whole = compact({key: compact(card)}) if key else compact(card)
        item["body"] = {"content": whole if raw else compact(simplified(card))}
    return item


def existing(platform: Platform, call: Call, *, missing: int, recalled_too: bool = False) -> Message:
    """The message of the path, in a chat this bot is in."""
    message_id = call.path["message_id"]
    if not message_id.startswith("om_"):
        raise Refused(99992354, "The request you send is not a valid {open_message_id}", "message_id")
    message = platform.world.messages.get(message_id)
    if message is None:
        raise Refused(missing, "The message does not exist", None)
    if message.recalled and not recalled_too:
        raise Refused(230011, "The message was recalled", None)
    if call.app.app_id not in platform.world.chats[message.chat_id].apps:
        raise Refused(230002, "The bot can not be outside the group.", "membership")
    return message


def receipt(world: World, message: Message) -> dict[str, Any]:
    """The message object of send, reply and get."""
    made_by_app = message.sender_type == "app"
    item: dict[str, Any] = {
        "message_id": message.message_id,
        "msg_type": message.message_type,
        "create_time": str(int(message.created_at * 1000)),
        "update_time": str(int((message.updated_at or message.created_at) * 1000)),
        "deleted": message.recalled,
        "updated": bool(message.updated_at),
        "chat_id": message.chat_id,
        "sender": {
            "id": message.sender_id,
            "id_type": "app_id" if made_by_app else "open_id",
            "sender_type": message.sender_type,
            "tenant_key": world.tenant_of(message.sender_id),
        },
        "body": {"content": message.content},
    }
    places = {"root_id": message.root_id, "parent_id": world.seen_parent(message), "thread_id": message.thread_id}
    item |= {key: value for key, value in places.items() if value}
    if message.mentions:
        item["mentions"] = [
            {"key": m["key"], "id": m["id"]["open_id"], "id_type": "open_id", "name": m["name"]}
            for m in message.mentions
        ]
    return item


def _require_bot(call: Call) -> None:
    """230006: the app has no bot, or none that is released (im-v1/message/create)."""
    if not call.app.is_on:
        raise Refused(230006, "Bot ability is not activated.", "bot")


def _receiver(platform: Platform, call: Call, kind: str, receive_id: str) -> Chat:
    world = platform.world
    if kind == "chat_id":
        chat = world.chats.get(receive_id)
        if chat is None:
            raise Refused(230034, "The receive_id is invalid", "receive_id")
        return chat
    person = next((p for p in world.people.values() if receive_id == getattr(p, kind, None)), None)
    if person is None:
        raise Refused(99992351, "The request you send is not a valid {open_id}", "receive_id")
    if person.is_resigned:
        raise Refused(230029, "The user has resigned.", None)
    return world.private_chat(call.app, person.open_id)


def _post(platform: Platform, call: Call, chat: Chat, parent: Message | None) -> dict[str, Any]:
    kind, content = call.text("msg_type"), call.text("content")
    uuid = call.text("uuid", required=False, most=50)
    if chat.dissolved:
        raise Refused(232009, "The chat was dissolved", None)
    if call.app.app_id not in chat.apps:
        raise Refused(230002, "The bot can not be outside the group.", "membership")
    if first := _sent_before(platform, call, uuid):
        return {"data": receipt(platform.world, first)}
    _take_chat_rate(platform, chat)
    message = _compose(platform, call, chat, kind, content, parent)
    if uuid:
        platform.uuids[call.app.app_id, uuid] = (platform.now(), message.message_id)
    if message.card_id:
        platform.world.entities[message.card_id].message_id = message.message_id
    platform.deliver(message)
    return {"data": receipt(platform.world, message)}


def _sent_before(platform: Platform, call: Call, uuid: str) -> Message | None:
    """At most one success per uuid in an hour; what a repeat answers is undocumented, so a setting chooses."""
    at, message_id = platform.uuids.get((call.app.app_id, uuid), (0.0, ""))
    if not uuid or not message_id or platform.now() - at >= UUID_LIFE_S:
        return None
    if platform.settings.uuid_repeat == "refused":
        raise Refused(230049, "The message is being sent", None)
    return platform.world.messages[message_id]


def _take_chat_rate(platform: Platform, chat: Chat) -> None:
    if chat.kind == "group":
        platform.rates.take(("chat", chat.chat_id), CHAT_WINDOW, message_rate("chat_rate"))
    else:
        platform.rates.take(("person", chat.people[0]), PERSON_WINDOW, message_rate("person_rate"))


def _compose(platform: Platform, call: Call, chat: Chat, kind: str, content: str, parent: Message | None) -> Message:
    if kind not in KINDS:
        raise Refused(230001, f"invalid msg_type {kind}", "parameters")
    check_size(kind, content)
    message = Message(platform.world.new_id("om_"), chat.chat_id, call.app.app_id, "app", kind, content, platform.now())
    if parent:
        began = parent.thread_id
        platform.world.put_below(message, parent, in_thread=call.body.get("reply_in_thread") is True)
        if parent.thread_id != began:
            platform.show(parent)
    elif chat.topics:
        message.thread_id = platform.world.new_id("omt_")
    parsed = content_json(content)
    if kind == "interactive":
        attach_card(platform, call, chat, message, parsed)
    else:
        check_plain(platform, call, kind, parsed)
        message.mentions = text_mentions(platform.world, content)
    return message


def _own(platform: Platform, call: Call) -> Message:
    message = existing(platform, call, missing=230110)
    if message.sender_id != call.app.app_id:
        raise Refused(230071, "The operator is not the sender of the message", "not_sender")
    return message
