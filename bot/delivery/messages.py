"""Messages in answer to one question, beside its card: the whole answer, its continuations, the last words.

Each is a ladder of its own: a card, the same without markup, a text, and where nothing that was written is taken, fixed
words that say so. What was sent is stored with its message id, so that it is sent once however often the job runs.
"""

from collections.abc import Sequence
from typing import Literal

import structlog

from bot.cards.final_view import Final, Part
from bot.cards.pagination import split
from bot.crash_points import reach
from bot.inbox.queue import Job
from bot.models import Turn
from bot.repositories.fallbacks import DeliveryFallbacks, Way
from bot.repositories.turns import Conversations
from feishu.api.error_codes import remedy_of
from feishu.api.messages import Content, Messages, Sent, card_content, short_id, text_content
from feishu.api.recovery import Remedy, at_the_end
from feishu.errors import ApiError

log = structlog.get_logger(__name__)

REFUSED = (Remedy.REPAIR, Remedy.PLAIN_TEXT, Remedy.NEW_MESSAGE)
"""Remedies of a message that will not be taken as it is."""
BEING_SENT = 230049
"""The platform has the message but does not say its id."""
SCOPE_MISSING = 99991672
"""Nothing of the kind can be written now; once an admin grants the scope it can."""
TEXT_BYTES = 100_000
"""Of one text message; the platform takes 150 KB."""

Rung = tuple[Way | Literal[""], Content]


class FallbackMessages:
    """For one job and its turn. Methods raise `FeishuError` for what can be tried later, or when nobody is there."""

    def __init__(
        self, job: Job, turn: Turn, messages: Messages, conversations: Conversations, fallbacks: DeliveryFallbacks
    ) -> None:
        self.fallbacks = fallbacks
        self._job = job
        self._turn = turn
        self._messages = messages
        self._conversations = conversations

    async def shown_as(self, final: Final, shown_as: str) -> None:
        """Notes what the card shows of the answer, before it is left at that."""
        if final.shown_as != shown_as:
            await self._conversations.mark(self._job, final.key, shown_as=shown_as)

    async def whole(self, final: Final, because: ApiError | None, *, becomes_the_card: bool = False) -> None:
        """The whole answer as a new message. Where the old card is lost for good, the new one takes its place."""
        if await self._sent(final) & {"apart", "text", "withheld"}:
            return await self.more(final)
        await self.fallbacks.note("new_message", because)
        ladder: list[Rung] = [("", card_content(final.card))]
        if final.plain_card:
            ladder.append(("repaired", card_content(final.plain_card)))
        sent = await self._first_taken(final.key, "apart", ladder)
        if sent is None:
            if not await self.text(final, because):
                await self.last_words(final)
            return
        await self._remember(final.key, "apart", sent, sent_apart=True)
        if becomes_the_card and sent.message_id:
            await self._conversations.remember_card(
                self._job, self._turn.id, card_id="", card_message_id=sent.message_id
            )
        await self.more(final)

    async def text(self, final: Final, because: ApiError | None = None) -> bool:
        """The whole answer as text; False where not even that is taken, and the answer has to be withheld."""
        sent_before = await self._sent(final)
        if "text" in sent_before:
            return True
        pieces = split(final.text, TEXT_BYTES)
        for number, piece in enumerate(pieces, start=1):
            part = "text" if number == len(pieces) else f"text {number}"
            if part in sent_before:
                continue
            sent = await self._first_taken(final.key, part, [("plain_text", text_content(piece))], because)
            if sent is None:
                return False
            last = {"shown_as": "moved"} if part == "text" else {}
            await self._remember(final.key, part, sent, **last)
        return True

    async def last_words(self, final: Final) -> None:
        """That the answer may not be shown, as a text: there is no card that could say so. The foot of the ladder."""
        if "withheld" in await self._sent(final):
            return
        sent = await self._first_taken(final.key, "withheld", [("withheld", text_content(final.withheld_text))])
        if sent is None:
            return await self.fallbacks.note("unsaid")
        await self._remember(final.key, "withheld", sent)

    async def more(self, final: Final) -> None:
        """What the answer goes on in: each part on the first rung of its ladder that is taken."""
        if not final.more:
            return
        await self.shown_as(final, "whole")  # what is still missing is a part, not the card
        sent_before = await self._sent(final)
        for part in final.more:
            if str(part.number) not in sent_before:
                await self._send_part(final.key, part)
                reach("after-part")

    async def _send_part(self, key: str, part: Part) -> None:
        ladder: list[Rung] = [
            ("", card_content(part.card)),
            ("repaired", card_content(part.plain_card)),
            ("plain_text", text_content(part.text)),
            ("withheld", text_content(part.withheld)),
        ]
        sent = await self._first_taken(key, str(part.number), ladder)
        if sent is None:
            await self.fallbacks.note("unsaid")
        await self._remember(key, str(part.number), sent or Sent("", ""))

    async def _first_taken(
        self, key: str, part: str, ladder: Sequence[Rung], because: ApiError | None = None
    ) -> Sent | None:
        """The message of the first rung that the platform takes; None when it refuses them all as they are."""
        for way, content in ladder:
            uuid = short_id(key, part, way)
            try:
                sent = await self._messages.reply(
                    self._turn.question_message_id, content, uuid=uuid, chat_id=self._turn.chat_id
                )
            except ApiError as error:
                if error.code != BEING_SENT:
                    if error.code == SCOPE_MISSING or at_the_end(remedy_of(error)) not in REFUSED:
                        raise
                    log.warning("message_refused", part=part, way=way, reason=str(error))
                    because = error
                    continue
                sent = Sent("", self._turn.chat_id)
            if way:
                await self.fallbacks.note(way, because)
            return sent
        return None

    async def _sent(self, final: Final) -> frozenset[str]:
        return await self._conversations.sent.of_answer(final.key)

    async def _remember(self, key: str, part: str, sent: Sent, **values: object) -> None:
        await self._conversations.sent.note(self._job, key, part, sent.message_id, **values)
