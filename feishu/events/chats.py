"""What happens around messages: reactions, recalls, a bot's arrival, a private chat entered, a menu used. Pure.

Shapes: open.feishu.cn/document im-v1/message-reaction/event, im-v1/message/events/recalled, group/chat-member/event,
bot-v3/events/menu. Times are seconds since the epoch.
"""

from dataclasses import dataclass
from typing import Any

from feishu.errors import Malformed

MAX_ID_CHARS = 100
"""Two of them and a mark between them fit into the store's columns."""
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Happened:
    """What all of them carry."""

    app_id: str
    tenant_key: str
    event_id: str
    created_at: float


@dataclass(frozen=True, slots=True)
class Reacted(Happened):
    """Somebody put an emoji on a message, or took it off (`removed`). `emoji` is a type like `THUMBSUP`."""

    message_id: str
    emoji: str
    operator_open_id: str
    operator_type: str
    """`user` or `app`: the bot hears of its own reactions, too."""
    removed: bool


@dataclass(frozen=True, slots=True)
class Recalled(Happened):
    """A message was taken back, by its author or by a group's manager."""

    message_id: str
    chat_id: str


@dataclass(frozen=True, slots=True)
class BotAdded(Happened):
    """The bot became a member of a group."""

    chat_id: str
    chat_name: str
    operator_open_id: str


@dataclass(frozen=True, slots=True)
class PrivateChatEntered(Happened):
    """Somebody opened the private chat with the bot; comes with every entry. `first`: the chat was made just now."""

    chat_id: str
    operator_open_id: str
    first: bool


@dataclass(frozen=True, slots=True)
class MenuUsed(Happened):
    """Somebody chose an entry of the bot's menu; it names no chat, so the answer goes to the person."""

    operator_open_id: str
    key: str


ChatEvent = Reacted | Recalled | BotAdded | PrivateChatEntered | MenuUsed


def parse_chat_event(event_type: str, envelope: tuple[str, str, str, float], body: Json) -> ChatEvent | None:
    """The event of this type; None for a type that is not among these. `envelope` holds the fields of `Happened`.

    Raises `Malformed` without an id that is needed."""
    match event_type:
        case "im.message.reaction.created_v1" | "im.message.reaction.deleted_v1":
            return Reacted(
                *envelope,
                message_id=_needed(body, "message_id"),
                emoji=_text(_object(body.get("reaction_type")).get("emoji_type")),
                operator_open_id=_open_id(body.get("user_id")),
                operator_type=_text(body.get("operator_type")),
                removed="deleted" in event_type,
            )
        case "im.message.recalled_v1":
            return Recalled(*envelope, message_id=_needed(body, "message_id"), chat_id=optional_id(body.get("chat_id")))
        case "im.chat.member.bot.added_v1":
            operator = _open_id(body.get("operator_id"))
            return BotAdded(*envelope, _needed(body, "chat_id"), _text(body.get("name")), operator)
        case "im.chat.access_event.bot_p2p_chat_entered_v1":
            return PrivateChatEntered(
                *envelope, _needed(body, "chat_id"), _open_id(body.get("operator_id")), first=False
            )
        case "p2p_chat_create":
            person = _object(body.get("user")) or _object(body.get("operator"))
            return PrivateChatEntered(
                *envelope, _needed(body, "chat_id"), optional_id(person.get("open_id")), first=True
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


def _needed(body: Json, key: str) -> str:
    return identifier(body.get(key), f"event without {key}")


def _text(value: object) -> str:
    return storable(value) if isinstance(value, str) else ""


def _object(value: object) -> Json:
    return value if isinstance(value, dict) else {}
