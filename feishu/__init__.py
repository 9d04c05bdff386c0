"""The Feishu (Lark) open platform: what comes in, what goes out, and a local sandbox of it.

A library of its own: it knows no retrieval, no web framework and no bot. What a user of it needs is offered here and
loaded at its first use. `feishu.events` (what comes in) and `feishu.api` and `feishu.streaming` (what goes out) never
import each other. How to use it: docs/libraries.md.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from feishu.api.cardkit import CardKit
    from feishu.api.client import FeishuClient
    from feishu.api.messages import Messages
    from feishu.cards.markdown import safe_markdown
    from feishu.errors import ApiError, FeishuError, TransportError, WebhookError
    from feishu.events.types import CardAction, MessageReceived
    from feishu.events.webhook import Challenge, Webhook
    from feishu.long_connection.connection import LongConnection
    from feishu.settings import FeishuSettings
    from feishu.streaming.stream import CardStream
    from feishu.streaming.text_card import TextCard, text_card

__all__ = [
    "ApiError",
    "CardAction",
    "CardKit",
    "CardStream",
    "Challenge",
    "FeishuClient",
    "FeishuError",
    "FeishuSettings",
    "LongConnection",
    "MessageReceived",
    "Messages",
    "TextCard",
    "TransportError",
    "Webhook",
    "WebhookError",
    "safe_markdown",
    "text_card",
]

_HOMES = {
    "feishu.api.cardkit": ("CardKit",),
    "feishu.api.client": ("FeishuClient",),
    "feishu.api.messages": ("Messages",),
    "feishu.cards.markdown": ("safe_markdown",),
    "feishu.errors": ("ApiError", "FeishuError", "TransportError", "WebhookError"),
    "feishu.events.types": ("CardAction", "MessageReceived"),
    "feishu.events.webhook": ("Challenge", "Webhook"),
    "feishu.long_connection.connection": ("LongConnection",),
    "feishu.settings": ("FeishuSettings",),
    "feishu.streaming.stream": ("CardStream",),
    "feishu.streaming.text_card": ("TextCard", "text_card"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOME_OF[name]), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
