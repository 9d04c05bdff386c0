"""CardKit: a card as an entity of its own, streamed into and updated by id.

open.feishu.cn/document cardkit-v1. Every write carries a `sequence` (1 … 2147483647) above all before it on that card,
of whatever kind; a number is never used twice, also not after a call whose fate is unknown. Cards inside a request are
JSON *strings*. Limits: 10 writes a second for a card, 30 KB, 14 days.
"""

from typing import Any

from feishu.api.client import FeishuClient
from feishu.api.endpoints import CARD_CREATE, CARD_SETTINGS, CARD_TEXT, CARD_UPDATE
from feishu.cards.elements import Card, card_json
from feishu.encoding import to_text
from feishu.errors import BadReply
from feishu.ratelimit import FrameSchedule, Urgency

MAX_SEQUENCE = 2_147_483_647
MAX_TEXT_CHARS = 100_000


class CardKit:
    """Card entities of this app. Every method raises `ApiError` or `TransportError`."""

    def __init__(self, client: FeishuClient) -> None:
        self._client = client

    @property
    def schedule(self) -> FrameSchedule:
        """Whose turn it is to stream a text: one for all cards of the client."""
        return self._client.schedule

    async def create(self, card: Card) -> str:
        """A new entity; returns its card_id, which can be sent once (`messages.entity_content`)."""
        reply = await self._client.call(CARD_CREATE, json={"type": "card_json", "data": card_json(card)})
        card_id = reply.get("card_id")
        if not isinstance(card_id, str) or not card_id:
            raise BadReply("no card_id in the answer", endpoint=CARD_CREATE.name)
        return card_id

    async def stream_text(self, card_id: str, element_id: str, content: str, *, sequence: int) -> None:
        """The whole text so far of a markdown or plain text element. The client types on only if the old text is a
        prefix of the new one. Needs streaming mode."""
        await self._client.call(
            CARD_TEXT,
            path={"card_id": card_id, "element_id": element_id},
            json={"content": content[:MAX_TEXT_CHARS], "sequence": sequence},
            card=card_id,
        )

    async def set_config(
        self, card_id: str, config: dict[str, Any], *, sequence: int, urgency: Urgency = Urgency.NORMAL
    ) -> None:
        """Change the card's `config`, for example `{"streaming_mode": False, "summary": {"content": "…"}}`."""
        await self._client.call(
            CARD_SETTINGS,
            path={"card_id": card_id},
            json={"settings": to_text({"config": config}), "sequence": sequence},
            card=card_id,
            urgency=urgency,
        )

    async def update(self, card_id: str, card: Card, *, sequence: int, urgency: Urgency = Urgency.NORMAL) -> None:
        """Replace the whole card, streaming or not."""
        await self._client.call(
            CARD_UPDATE,
            path={"card_id": card_id},
            json={"card": {"type": "card_json", "data": card_json(card)}, "sequence": sequence},
            card=card_id,
            urgency=urgency,
        )
