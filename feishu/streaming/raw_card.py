"""A card sent as raw JSON, written like a card entity: for apps without CardKit's scope, and when CardKit is down.

Every write replaces the whole card by PATCH: 5 a second for a message, 14 days (im-v1/message/patch). There is no
streaming mode and no sequence, so nothing types and nothing has to be closed.
"""

import copy
from typing import Any

from feishu.api.messages import Messages
from feishu.cards.elements import Card
from feishu.ratelimit import Urgency


class RawCard:
    """Fits `CardStream` in the place of `CardKit`. `card_id` arguments are ignored: it knows its message."""

    def __init__(self, messages: Messages, message_id: str, card: Card) -> None:
        """`card` is what was sent."""
        self._messages = messages
        self._message_id = message_id
        self._card = copy.deepcopy(card)

    async def stream_text(self, card_id: str, element_id: str, content: str, *, sequence: int) -> None:
        """The whole card with this text in the element at its root; nothing where there is no such element."""
        elements = self._card.get("body", {}).get("elements", [])
        found = next((element for element in elements if element.get("element_id") == element_id), None)
        if found is None or "content" not in found:
            return
        found["content"] = content
        await self._messages.patch(self._message_id, self._card, urgency=Urgency.ASIDE)

    async def set_config(
        self, card_id: str, config: dict[str, Any], *, sequence: int, urgency: Urgency = Urgency.NORMAL
    ) -> None:
        """Nothing: there is no streaming mode to open or close, and the summary comes with the last card."""

    async def update(self, card_id: str, card: Card, *, sequence: int, urgency: Urgency = Urgency.NORMAL) -> None:
        """Replace the whole card."""
        self._card = without_streaming(card)
        await self._messages.patch(self._message_id, self._card, urgency=urgency)


def without_streaming(card: Card) -> Card:
    """The same card for the message API, where streaming mode has no meaning."""
    config = {name: value for name, value in card.get("config", {}).items() if not name.startswith("streaming")}
    return {**copy.deepcopy(card), "config": config}
