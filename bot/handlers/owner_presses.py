"""Presses on an owner's weekly card: write it, still right, obsolete, not mine. What was decided takes the buttons'
place; everything else on the card stays."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from bot.cards.buttons import Action
from bot.cards.owner_week import DECISIONS, OFFERS, WeekView, decided_of, week_card
from bot.handlers.acknowledgement import Ack, toast
from bot.inbox.queue import Jobs
from bot.job import ApprovalPayload, NewJob, ObsoletePayload
from bot.jobs.owner_week import words_of
from bot.repositories.owner_decisions import (
    Decided,
    OwnedDocument,
    OwnerCard,
    OwnerDecisions,
    OwnerItem,
    item_key,
)
from bot.repositories.owner_questions import OwnerQuestion, OwnerQuestions
from bot.repositories.verified_answers import Approver
from bot.settings import Settings
from bot.verified.approval import Verifying
from feishu.errors import FeishuError
from feishu.events.types import CardAction

log = structlog.get_logger(__name__)
SUFFIX_CHARS = 8


@dataclass(frozen=True, slots=True)
class OwnerPresses:
    """Raises `StoreError`, `RagError`. Only the owner of a card may press on it."""

    verifying: Verifying
    decisions: OwnerDecisions
    gaps: OwnerQuestions
    jobs: Jobs
    settings: Settings
    wake: Callable[[], None]

    async def press(self, click: CardAction, action: Action) -> Ack:
        """One of the four."""
        card_id, _, place = action.answer_id.partition(".")
        card = await self.decisions.card(card_id)
        found = _pressed(card, place) if card and click.app_id == self.settings.feishu.app_id else None
        if card is None or found is None:
            return Ack(toast("toast_gone", "warning"))
        if click.operator_open_id != card.owner:
            return Ack(toast("toast_not_your_card", "warning"))
        item, document = found
        what = DECISIONS[action.kind]
        if what not in OFFERS[item.kind] or (what == "obsolete" and document is None):
            return Ack(toast("toast_unknown_action", "warning"))
        try:
            scope = await self.verifying.seen_by(card.owner)
        except FeishuError as error:
            log.warning("rights_not_known", reason=str(error))
            return Ack(toast("toast_slow_store", "warning"))
        closed = frozenset(each.key for each in card.items if not self.verifying.shows(scope, each.behind))
        if item.key in closed:
            return await self._shown(card, closed, toast("toast_gone", "warning"))
        by = await self.verifying.approver(card.owner)
        key = await self._decide(click, item, what, by, document)
        return await self._shown(card, closed, toast(key, "success"))

    async def _decide(
        self, click: CardAction, item: OwnerItem, what: Decided, by: Approver, document: OwnedDocument | None
    ) -> str:
        """Stores it with what follows from it; gives the toast that says so."""
        if what == "write" and (refused := await self._write(click, item, by)):
            return refused
        decision = await self.decisions.decide(item, what, by, document or _about(item))
        log.info("owner_decided", kind=item.kind, what=what, by=by.open_id)
        if what == "obsolete":
            for admin in self.settings.bot.people.admins:
                told, key = ObsoletePayload(decision.id, admin), f"obsolete:{click.message_id}:{decision.id}:{admin}"
                await self.jobs.accept(NewJob(click.app_id, "obsolete", f"obsolete/{admin}", told, (key,)))
        return f"toast_owner_{what}"

    async def _write(self, click: CardAction, item: OwnerItem, by: Approver) -> str:
        """The form to answer the question comes below the card, once a card; gives the toast where it does not."""
        question = (await self.decisions.questions([item.turn_id])).get(item.turn_id, "")
        if not question:
            return "toast_gone"
        gap_id = f"{item.turn_id}.{item_key(item.key, by.open_id)[:SUFFIX_CHARS]}"
        await self.gaps.asked(OwnerQuestion(gap_id, click.app_id, click.chat_id, question, "", (by.open_id,)))
        keys = (f"event:{click.event_id}", f"own-write:{click.message_id}:{item.key}")
        payload = ApprovalPayload(gap_id, by.open_id, write=True)
        job = NewJob(click.app_id, "approval", f"approval/{by.open_id}", payload, keys)
        return "" if await self.jobs.accept(job) else "toast_owner_write_already"

    async def _shown(self, card: OwnerCard, closed: frozenset[str], said: dict[str, object]) -> Ack:
        """The card as it is now."""
        questions = await self.decisions.questions(item.turn_id for item in card.items if item.turn_id)
        view = WeekView(questions, decided_of(card, await self.decisions.in_force()), closed)
        shown = week_card(card, view, words_of(self.settings))
        return Ack({**said, "card": {"type": "raw", "data": shown}}, self.wake)


def _about(item: OwnerItem) -> OwnedDocument | None:
    """What a decision about a whole item names: its document, or the titles of both."""
    if item.kind == "pair":
        return OwnedDocument("", "", " / ".join(each.title or each.source for each in item.documents))
    return item.documents[0] if item.kind == "stale" else None


def _pressed(card: OwnerCard, place: str) -> tuple[OwnerItem, OwnedDocument | None] | None:
    """The item, and the document of it, that a button names; None for what is not on the card."""
    number, _, at = place.partition(".")
    if not (number.isascii() and number.isdigit() and int(number) < len(card.items)):
        return None
    item = card.items[int(number)]
    if not at:
        return item, None
    is_known = at.isascii() and at.isdigit() and int(at) < len(item.documents) and item.documents[int(at)].is_own
    return (item, item.documents[int(at)]) if is_known else None
