"""The weekly card to each owner about their documents, and the word to the admins that one is obsolete.

Each replica proposes an owner's job of the week when it is due; its key is the owner and the week, so the inbox takes
it once. The card is stored before it is sent, and sent under an id made of the same key.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from bot.cancellation import Ended, StopSignal
from bot.cards.owner_week import WeekView, decided_of, fitting, week_card
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.replies import Replier
from bot.job import Job, NewJob, ObsoletePayload, OwnerDigestPayload
from bot.jobs.digest import CHECK_S, LATE_H, due_at
from bot.models import behind
from bot.owners.asking import Asking
from bot.repositories.owner_decisions import OwnerCard, OwnerDecisions, item_key
from bot.settings import Settings
from bot.texts import Texts, language_of, texts
from bot.verified.approval import Verifying
from feishu.api.availability import is_outage
from feishu.api.messages import card_content, short_id
from feishu.cards.elements import Card
from feishu.errors import ApiError
from rag.errors import RagError

log = structlog.get_logger(__name__)

CARD_ID_CHARS = 24


@dataclass(frozen=True, slots=True)
class OwnerWeek:
    """Proposes the jobs of a week, one for each owner, and does them."""

    asking: Asking
    decisions: OwnerDecisions
    verifying: Verifying
    voice: Replier
    jobs: Jobs
    settings: Settings

    async def propose_forever(self) -> None:
        """Looks every few minutes whether this week's cards are due; nothing where nobody is an owner."""
        while self.owners():
            try:
                await self.propose()
            except StoreError as error:
                log.warning("owner_digest_not_proposed", reason=str(error))
            await self.verifying.clock.sleep(CHECK_S)

    def owners(self) -> tuple[str, ...]:
        """Whom a card may be for: the owners, and the admins for what is no owner's any more."""
        people = self.settings.bot.people
        named = [each for owners in people.owners.values() for each in owners]
        return tuple(dict.fromkeys((*named, *people.admins))) if named and people.owner_digest else ()

    async def propose(self) -> int:
        """Accepts the jobs of this week if they are due; gives how many were not accepted before."""
        bot, now = self.settings.bot, datetime.fromtimestamp(self.verifying.clock.time())
        due = due_at(now, bot.digest_weekday, bot.digest_hour)
        if not due <= now < due + timedelta(hours=LATE_H):
            return 0
        year, week, _ = due.isocalendar()
        accepted = 0
        for owner in self.owners():
            key = f"owners:{owner}:{year}-W{week:02}"
            payload = OwnerDigestPayload(key, owner)
            job = NewJob(self.settings.feishu.app_id, "owner_digest", f"owners/{owner}", payload, (key,))
            accepted += await self.jobs.accept(job)
        return accepted

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Sends the card. Raises `FeishuError`, `StoreError`: it is tried again."""
        wanted = OwnerDigestPayload.of(job)
        if wanted.open_id not in self.owners():
            return Ended("cancelled", "they are no owner any more")
        card_id = item_key(job.app_id, wanted.key)[:CARD_ID_CHARS]
        try:
            card = await self.decisions.card(card_id) or await self._made(card_id, wanted)
            if card is None:
                return Ended("done", "there is nothing to ask")
            shown = await self._shown(card)
        except RagError as error:
            return Ended("cancelled", str(error))
        try:
            await self.voice.tell(wanted.open_id, card_content(shown), uuid=short_id("owners", card.id))
        except ApiError as error:
            if is_outage(error):
                raise
            log.info("owner_not_reached", open_id=wanted.open_id, reason=str(error))
            return Ended("cancelled", str(error))
        return Ended("done", f"asked about {len(card.items)}")

    async def _made(self, card_id: str, wanted: OwnerDigestPayload) -> OwnerCard | None:
        """The card of this week, stored; None where there is nothing to ask."""
        items, more = await self.asking.items(wanted.open_id, wanted.key.rpartition(":")[2])
        if not items:
            return None
        questions = await self.decisions.questions(item.turn_id for item in items if item.turn_id)
        card = OwnerCard(card_id, wanted.open_id, items, more, self.verifying.clock.time())
        return await self.decisions.keep(fitting(card, questions, words_of(self.settings)))

    async def _shown(self, card: OwnerCard) -> Card:
        """The card as it is now: an earlier try may have stored it, or even sent it."""
        scope = await self.verifying.seen_by(card.owner)
        closed = frozenset(each.key for each in card.items if not self.verifying.shows(scope, each.behind))
        questions = await self.decisions.questions(item.turn_id for item in card.items if item.turn_id)
        view = WeekView(questions, decided_of(card, await self.decisions.in_force()), closed)
        return week_card(card, view, words_of(self.settings))

    async def give_up(self, job: Job) -> None:
        """The same is asked next week."""
        log.warning("owner_digest_not_sent", reason=job.reason)


@dataclass(frozen=True, slots=True)
class ObsoleteHandler:
    """Tells an admin that an owner calls a document obsolete."""

    decisions: OwnerDecisions
    verifying: Verifying
    voice: Replier
    settings: Settings

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Says it in private. Raises `FeishuError`, `StoreError`: it is tried again."""
        told = ObsoletePayload.of(job)
        decision = await self.decisions.of(told.decision_id)
        if decision is None or decision.undone_by:
            return Ended("cancelled", "the decision is gone")
        try:
            scope = await self.verifying.seen_by(told.open_id)
        except RagError as error:
            return Ended("cancelled", str(error))
        is_seen = self.verifying.shows(scope, behind(*decision.document))
        title = (decision.title or decision.source) if is_seen else "…"
        said = words_of(self.settings).obsolete_notice
        text = said.format(name=decision.by.name, title=title, collection=decision.collection)
        try:
            await self.voice.tell(told.open_id, text, uuid=short_id("obsolete", job.app_id, str(job.id)))
        except ApiError as error:
            if is_outage(error):
                raise
            return Ended("cancelled", str(error))
        return Ended("done")

    async def give_up(self, job: Job) -> None:
        """The list of documents on /admin tells it, too."""
        log.warning("obsolete_not_told", reason=job.reason)


def words_of(settings: Settings) -> Texts:
    """A card that answers no question has the language of the settings."""
    return texts(language_of("", preferred=settings.bot.language))
