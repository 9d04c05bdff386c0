"""What the platform tells us, as frozen values: messages, card actions, and what happens around messages."""

from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Mention:
    """Somebody named in a message; `key` is the placeholder in the text (`@_user_1`, `@_all`)."""

    key: str
    open_id: str
    """Empty when the platform gives none (`@_all`)."""
    name: str


@dataclass(frozen=True, slots=True)
class MessageReceived:
    """`im.message.receive_v1`. Times are seconds since the epoch; `content` is the raw JSON string."""

    app_id: str
    tenant_key: str
    event_id: str
    created_at: float
    message_id: str
    chat_id: str
    chat_type: str
    """`p2p` or `group`; anything else the platform may invent counts as a group."""
    thread_id: str
    root_id: str
    parent_id: str
    message_type: str
    content: str
    mentions: tuple[Mention, ...]
    sender_open_id: str
    sender_type: str
    """`user`, or `bot`/`app` for a machine."""


@dataclass(frozen=True, slots=True)
class CardAction:
    """`card.action.trigger`: somebody used a button, a form or a select of a card."""

    app_id: str
    tenant_key: str
    event_id: str
    created_at: float
    operator_open_id: str
    chat_id: str
    message_id: str
    value: Json
    """The component's own value as sent; `{}` when it is not an object."""
    form_value: Json
    name: str
    tag: str
    legacy: bool = False
    option: str = ""
    """The option chosen in a select outside of a form."""
    input_value: str = ""
    """The text of an input outside of a form."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A verified event of a type nobody here works with."""

    app_id: str
    tenant_key: str
    event_id: str
    event_type: str
    created_at: float


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


@dataclass(frozen=True, slots=True)
class DocumentChanged(Happened):
    """A document that the app subscribed to was edited, renamed or removed, or is new in a folder. `token` is its own
    (a wiki page's is that of the document in it)."""

    token: str
    kind: str
    """`docx`, `sheet`, `bitable`, `file`, …; "" where the event does not say."""
    change: Literal["edited", "removed", "created", "rights"]
    """`rights`: people or chats were added to its members, or taken from them."""


@dataclass(frozen=True, slots=True)
class PeopleChanged(Happened):
    """Who is in a group, or in which departments somebody is, may be another now: of the chat `chat_id`, or of the
    person `open_id`; of everybody where both are ""."""

    chat_id: str = ""
    open_id: str = ""


ChatEvent = Reacted | Recalled | BotAdded | PrivateChatEntered | MenuUsed


Event = MessageReceived | CardAction | ChatEvent | DocumentChanged | PeopleChanged | Unknown
