"""Events read out of decrypted JSON. Pure; no I/O.

Parsing is by hand and not by a model library: it sits on the path that must answer within three seconds for every
event of a busy tenant, and the platform is loose about what it leaves out. The rule: an identifier we cannot work
without must be there (`Malformed` says which one is not), everything else has an empty value.

Shapes: open.feishu.cn/document im-v1/message/events/receive, cardkit-v1/card-callback-communication,
event-subscription-guide (envelopes 1.0 and 2.0), im-v1/message-reaction/event, im-v1/message/events/recalled,
group/chat-member/event, bot-v3/events/menu. Times are seconds since the epoch.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any, Literal

import orjson

from feishu.errors import Malformed, Stale
from feishu.events.types import (
    BotAdded,
    CardAction,
    ChatEvent,
    DocumentChanged,
    Event,
    Json,
    Mention,
    MenuUsed,
    MessageReceived,
    PeopleChanged,
    PrivateChatEntered,
    Reacted,
    Recalled,
    Unknown,
)

MAX_ID_CHARS = 100
"""Two of them and a mark between them fit into the store's columns."""
_CHANGES: dict[str, Literal["edited", "removed", "created", "rights"]] = {
    "drive.file.edit_v1": "edited",
    "drive.file.title_updated_v1": "edited",
    "drive.file.bitable_record_changed_v1": "edited",
    "drive.file.bitable_field_changed_v1": "edited",
    "drive.file.trashed_v1": "removed",
    "drive.file.deleted_v1": "removed",
    "drive.file.created_in_folder_v1": "created",
    "drive.file.permission_member_added_v1": "rights",
    "drive.file.permission_member_removed_v1": "rights",
}
_OF_CHATS = frozenset(
    {
        "im.chat.member.user.added_v1",
        "im.chat.member.user.deleted_v1",
        "im.chat.member.user.withdrawn_v1",
        "im.chat.member.bot.deleted_v1",
        "im.chat.disbanded_v1",
    }
)
_OF_PEOPLE = frozenset({"contact.user.updated_v3", "contact.user.deleted_v3"})
_OF_ALL = frozenset({"contact.department.updated_v3", "contact.department.deleted_v3", "contact.scope.updated_v3"})
MAX_VALUE_DEPTH = 32
"""Deeper nested button values and form values are read as empty: nothing of ours nests, and JSON writers give up."""

MAX_EVENT_BYTES = 1_048_576
MAX_AGE_S = 24 * 3600
"""Redelivery goes on for 7 h 6 min and may keep its first timestamp, so age alone refuses nothing younger than this.
Less than the shortest `bot.retention_h` (48 h): what is still accepted is still known as handled."""


@dataclass(frozen=True, slots=True)
class _Header:
    app_id: str
    tenant_key: str
    event_id: str
    created_at: float
    event_type: str = field(default="")


def seconds(value: object, default: float) -> float:
    """A moment in seconds since the epoch, whatever its unit (the platform writes s, ms and µs); `default` if none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return default
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return default
    if not math.isfinite(number) or number <= 0:
        return default
    while number >= 1e11:  # seconds reach 1e11 in the year 5138
        number /= 1000
    return number


def own_event(payload: dict[str, Any], *, app_id: str, now: float) -> Event:
    """The event of an envelope that is from the platform for sure, if it is young and ours. `now`: epoch seconds.

    Raises `Malformed`, also for another app's event, and `Stale`.
    """
    event = parse_event(payload, received_at=now)
    check_age(event.created_at, now)
    if event.app_id != app_id and (event.app_id or "schema" in payload):
        raise Malformed(f"the event is for another app: {event.app_id[:80]}")
    return event


def check_age(created_at: float, now: float) -> None:
    """Raises `Stale` for what is so old that it may have been handled and forgotten."""
    if now - created_at > MAX_AGE_S:
        raise Stale(now - created_at)


def json_object(raw: bytes, what: str) -> dict[str, Any]:
    """Raises `Malformed`, which names `what`."""
    try:
        found = orjson.loads(raw)
    except ValueError:
        raise Malformed(f"{what} is not JSON") from None
    if not isinstance(found, dict):
        raise Malformed(f"{what} is not a JSON object")
    return found


def without_lone_surrogates(plaintext: bytes) -> bytes:
    """Half of an emoji, which clients do send (a name cut in two), is replaced: the rest of the event is fine."""
    if b"\\ud" not in plaintext.lower():
        return plaintext
    try:
        return json.dumps(json.loads(plaintext), ensure_ascii=False).encode("utf-8", "replace")
    except (ValueError, RecursionError):
        return plaintext


def parse_event(payload: Json, *, received_at: float) -> Event:
    """The event in a decrypted envelope, 2.0 (`schema`) or 1.0 (`uuid`). `received_at` (epoch seconds) stands in for
    a missing `create_time`. Raises `Malformed`."""
    body = _object(payload.get("event"))
    if "schema" in payload:
        header = _header_2(_object(payload.get("header")), received_at)
    elif "uuid" in payload:
        header = _header_1(payload, body, received_at)
    else:
        raise Malformed("neither a 2.0 envelope (schema) nor a 1.0 envelope (uuid)")
    if header.event_type == "im.message.receive_v1":
        return _message(header, body)
    if header.event_type == "card.action.trigger":
        return _card_action(header, body)
    envelope = (header.app_id, header.tenant_key, header.event_id, header.created_at)
    if found := parse_chat_event(header.event_type, envelope, body):
        return found
    if changed := parse_document_event(header.event_type, envelope, body):
        return changed
    if people := parse_people_event(header.event_type, envelope, body):
        return people
    return Unknown(header.app_id, header.tenant_key, header.event_id, header.event_type, header.created_at)


def parse_legacy_card_action(payload: Json, *, app_id: str, event_id: str, created_at: float) -> CardAction:
    """The flat `card.action.trigger_v1` body, which names neither its app nor itself. Raises `Malformed`."""
    if not isinstance(payload.get("action"), dict):
        raise Malformed("legacy card callback without action")
    return _action(
        _Header(app_id, _text(payload.get("tenant_key")), event_id, created_at),
        operator_open_id=optional_id(payload.get("open_id")),
        chat_id=optional_id(payload.get("open_chat_id")),
        message_id=optional_id(payload.get("open_message_id")),
        action=payload["action"],
        legacy=True,
    )


def _header_2(header: Json, received_at: float) -> _Header:
    return _Header(
        app_id=_required(header, "app_id", "header"),
        tenant_key=_text(header.get("tenant_key")),
        event_id=_required(header, "event_id", "header"),
        created_at=seconds(header.get("create_time"), received_at),
        event_type=_required(header, "event_type", "header"),
    )


def _header_1(payload: Json, body: Json, received_at: float) -> _Header:
    return _Header(
        app_id=_text(body.get("app_id")),
        tenant_key=_text(body.get("tenant_key")),
        event_id=_required(payload, "uuid", "envelope"),
        created_at=seconds(payload.get("ts"), received_at),
        event_type=_text(body.get("type")),
    )


def _message(header: _Header, body: Json) -> MessageReceived:
    message = _object(body.get("message"))
    sender = _object(body.get("sender"))
    return MessageReceived(
        app_id=header.app_id,
        tenant_key=header.tenant_key,
        event_id=header.event_id,
        created_at=header.created_at,
        message_id=_required(message, "message_id", "message"),
        chat_id=_required(message, "chat_id", "message"),
        chat_type="p2p" if message.get("chat_type") == "p2p" else "group",
        thread_id=optional_id(message.get("thread_id")),
        root_id=optional_id(message.get("root_id")),
        parent_id=optional_id(message.get("parent_id")),
        message_type=_text(message.get("message_type")),
        content=_text(message.get("content")),
        mentions=_mentions(message.get("mentions")),
        sender_open_id=optional_id(_object(sender.get("sender_id")).get("open_id")),
        sender_type=_text(sender.get("sender_type")),
    )


def _mentions(value: object) -> tuple[Mention, ...]:
    if not isinstance(value, list):
        return ()
    return tuple(
        Mention(_text(item.get("key")), optional_id(_object(item.get("id")).get("open_id")), _text(item.get("name")))
        for item in value
        if isinstance(item, dict)
    )


def _card_action(header: _Header, body: Json) -> CardAction:
    context = _object(body.get("context"))
    return _action(
        header,
        operator_open_id=optional_id(_object(body.get("operator")).get("open_id")),
        chat_id=optional_id(context.get("open_chat_id")),
        message_id=optional_id(context.get("open_message_id")),
        action=_object(body.get("action")),
    )


def _action(
    header: _Header, *, operator_open_id: str, chat_id: str, message_id: str, action: Json, legacy: bool = False
) -> CardAction:
    return CardAction(
        app_id=header.app_id,
        tenant_key=header.tenant_key,
        event_id=header.event_id,
        created_at=header.created_at,
        operator_open_id=operator_open_id,
        chat_id=chat_id,
        message_id=message_id,
        value=_shallow(action.get("value")),
        form_value=_shallow(action.get("form_value")),
        name=_text(action.get("name")),
        tag=_text(action.get("tag")),
        legacy=legacy,
        option=_text(action.get("option")),
        input_value=_text(action.get("input_value")),
    )


def parse_document_event(event_type: str, envelope: tuple[str, str, str, float], body: Json) -> DocumentChanged | None:
    """The event of this type (drive-v1 event/list; of wikis there are none); None for a type that is not among these.

    Raises `Malformed` without a token."""
    change = _CHANGES.get(event_type)
    if change is None:
        return None
    token = identifier(body.get("file_token"), "event without file_token")
    return DocumentChanged(*envelope, token, optional_id(body.get("file_type")), change)


def parse_people_event(event_type: str, envelope: tuple[str, str, str, float], body: Json) -> PeopleChanged | None:
    """The event of this type (im-v1 chat-member and chat, contact-v3); None for a type that is not among these. Without
    an id it is about everybody."""
    if event_type in _OF_CHATS:
        return PeopleChanged(*envelope, chat_id=optional_id(body.get("chat_id")))
    if event_type in _OF_PEOPLE:
        return PeopleChanged(*envelope, open_id=optional_id(_object(body.get("object")).get("open_id")))
    return PeopleChanged(*envelope) if event_type in _OF_ALL else None


def parse_chat_event(event_type: str, envelope: tuple[str, str, str, float], body: Json) -> ChatEvent | None:
    """The event of this type; None for a type that is not among these. `envelope` holds the fields of `Happened`.

    Raises `Malformed` without an id that is needed."""
    match event_type:
        case "im.message.reaction.created_v1" | "im.message.reaction.deleted_v1":
            return Reacted(
                *envelope,
                message_id=_required(body, "message_id", "event"),
                emoji=_text(_object(body.get("reaction_type")).get("emoji_type")),
                operator_open_id=_open_id(body.get("user_id")),
                operator_type=_text(body.get("operator_type")),
                removed="deleted" in event_type,
            )
        case "im.message.recalled_v1":
            return Recalled(
                *envelope, message_id=_required(body, "message_id", "event"), chat_id=optional_id(body.get("chat_id"))
            )
        case "im.chat.member.bot.added_v1":
            operator = _open_id(body.get("operator_id"))
            return BotAdded(*envelope, _required(body, "chat_id", "event"), _text(body.get("name")), operator)
        case "im.chat.access_event.bot_p2p_chat_entered_v1":
            return PrivateChatEntered(
                *envelope, _required(body, "chat_id", "event"), _open_id(body.get("operator_id")), first=False
            )
        case "p2p_chat_create":
            person = _object(body.get("user")) or _object(body.get("operator"))
            return PrivateChatEntered(
                *envelope, _required(body, "chat_id", "event"), optional_id(person.get("open_id")), first=True
            )
        case "application.bot.menu_v6":
            operator = _open_id(_object(body.get("operator")).get("operator_id"))
            return MenuUsed(*envelope, operator_open_id=operator, key=_text(body.get("event_key")))
    return None


def _open_id(value: object) -> str:
    return optional_id(_object(value).get("open_id"))


def identifier(value: object, what: str) -> str:
    """An id that the bot cannot work without. Raises `Malformed`, with `what`, for anything else."""
    found = optional_id(value)
    if not found:
        raise Malformed(f"{what}, or what stands there is no identifier" if value else what)
    return found


def optional_id(value: object) -> str:
    """An id, or "" for what is none: the platform's are up to some 70 visible ASCII characters; what holds a NUL or
    fills a page could be kept in no store."""
    is_id = isinstance(value, str) and len(value) <= MAX_ID_CHARS and value.isprintable()
    return str(value) if is_id else ""


def storable(text: str) -> str:
    """Text without NUL, which PostgreSQL takes in no text."""
    return text.replace("\0", "")


def _text(value: object) -> str:
    return storable(value) if isinstance(value, str) else ""


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _required(holder: Json, key: str, where: str) -> str:
    return identifier(holder.get(key), f"{where} without {key}")


def _shallow(value: object) -> Json:
    """`value` if it is an object nested no deeper than `MAX_VALUE_DEPTH`, otherwise `{}`."""
    found = _object(value)
    level: list[Any] = [found]
    for _ in range(MAX_VALUE_DEPTH):
        level = [
            child
            for holder in level
            for child in (holder.values() if isinstance(holder, dict) else holder)
            if isinstance(child, dict | list)
        ]
        if not level:
            return found
    return {}
