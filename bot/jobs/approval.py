"""The job `approval`: an owner answered a question in a chat, and is offered to stand for that answer from now on."""

from dataclasses import dataclass, replace
from typing import Literal

import structlog

from bot.cancellation import Ended, StopSignal
from bot.cards.verified import FIELD_CHARS, Offer, against_lines, offer_card
from bot.delivery.outbox import CardDelivery
from bot.intake.replies import Replier
from bot.job import ApprovalPayload, Job
from bot.repositories.owner_questions import OwnerQuestion, OwnerQuestions
from bot.repositories.verified_answers import VerifiedDraft
from bot.texts import Texts, language_of, texts
from bot.verified.approval import Review, Verifying
from feishu.api.availability import is_outage
from feishu.api.messages import card_content, short_id
from feishu.errors import ApiError
from rag.errors import RagError

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ApprovalHandler:
    """Sends the form. Raises `FeishuError`, `StoreError`: it is tried again."""

    verifying: Verifying
    gaps: OwnerQuestions
    voice: Replier
    outbox: CardDelivery
    language: Literal["auto", "zh", "en"] = "auto"

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """A card with the question and the answer, for the owner alone."""
        wanted = ApprovalPayload.of(job)
        gap = await self.gaps.of(wanted.gap_id)
        if gap is None or not (gap.reply or wanted.write):
            return Ended("cancelled", "the question is gone")
        try:
            collections = await self.verifying.collections_of(gap, wanted.open_id)
        except RagError as error:
            return Ended("cancelled", str(error))
        if not collections:
            return Ended("cancelled", "there is no collection that they look after")
        if wanted.write:
            gap = replace(gap, reply=await self._before(gap, wanted.open_id))
        wording = texts(language_of(gap.question, preferred=self.language))
        against = await self._against(gap, collections[0], wanted.open_id, wording)
        days = self.verifying.people.verified_days
        card = offer_card(Offer(gap.id, gap.question, gap.reply, collections, days, against), wording)
        uuid = short_id("approval", gap.id, str(job.id))
        try:
            await self.voice.tell(wanted.open_id, card_content(card), uuid=uuid)
        except ApiError as error:
            if is_outage(error):
                raise
            log.info("private_card_refused", reason=str(error))
            if wanted.write:
                return Ended("cancelled", str(error))
            await self.outbox.ask_alone(gap.chat_id, wanted.open_id, card, card, uuid=f"{uuid[:40]}-2")
        return Ended("done", "offered")

    async def give_up(self, job: Job) -> None:
        """The owner was thanked already, and an admin may do it in the browser."""

    async def _before(self, gap: OwnerQuestion, open_id: str) -> str:
        """What stands in the form of somebody who wishes to write an answer: what was answered before, as far as it
        fits into the field."""
        answer = gap.reply or await self.verifying.given_to(gap, open_id)
        return answer if len(answer) <= FIELD_CHARS else ""

    async def _against(self, gap: OwnerQuestion, collection: str, open_id: str, wording: Texts) -> list[str]:
        """What speaks against it, of what the owner may see."""
        draft = VerifiedDraft(gap.question, (), gap.reply, collection)
        scope = await self.verifying.seen_by(open_id)
        try:
            review = await self.verifying.review(draft, scope=scope)
        except RagError as error:
            log.info("not_compared", reason=str(error))
            review = Review()
        leans = [wording.approve_leans] if review.leans else []
        return [*leans, *against_lines(review.alike, review.figures, wording)]
