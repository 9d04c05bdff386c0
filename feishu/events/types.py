"""What the platform tells us of messages and cards, as frozen values. What happens around messages:
`feishu.events.chats`."""

from dataclasses import dataclass
from typing import Any

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
