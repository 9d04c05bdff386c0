"""Presses on the cards by which people stand for an answer: approve one, keep it, withdraw it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import structlog

from bot.cards.buttons import Action
from bot.cards.owner_week import DECISIONS
from bot.cards.verified import decided_card
from bot.handlers.acknowledgement import Ack, toast
from bot.handlers.owner_presses import OwnerPresses
from bot.repositories.owner_questions import OwnerQuestion, OwnerQuestions
from bot.repositories.verified_answers import Approved, VerifiedDraft
from bot.texts import Texts, language_of, texts
from bot.verified.approval import NotApprovable, Verifying
from feishu.errors import FeishuError
from feishu.events.types import CardAction
from rag.errors import RagError

log = structlog.get_logger(__name__)
MOST_DAYS = 3_650


@dataclass(frozen=True, slots=True)
class Approvals:
    """Raises `StoreError`. What is decided takes the form's place on the card."""

    verifying: Verifying
    gaps: OwnerQuestions
    app_id: str
    owners: OwnerPresses

    async def press(self, click: CardAction, action: Action) -> Ack:
        """One of the three, or one on an owner's weekly card."""
        try:
            if action.kind in DECISIONS:
                return await self.owners.press(click, action)
            if action.kind == "approve":
                return await self._approve(click, action.answer_id)
            return await self._decide(click, action)
        except NotApprovable:  # its sentence quotes what people wrote
            log.info("not_approved", kind=action.kind)
            return Ack(toast("toast_not_approved", "warning"))
        except RagError as error:
            log.warning("documents_not_looked_at", reason=str(error))
            return Ack(toast("toast_slow_store", "warning"))

    async def _approve(self, click: CardAction, gap_id: str) -> Ack:
        """What an owner answered is given from now on; approved again it is changed."""
        gap = await self.gaps.of(gap_id)
        if gap is None or gap.app_id != click.app_id:
            return Ack(toast("toast_gone", "warning"))
        collection = await self._collection(click, gap)
        if not collection:
            return Ack(toast("toast_not_owner", "warning"))
        given, origin = click.form_value, f"gap:{gap.id}"
        answer, wording = _text(given, "answer") or gap.reply, _text(given, "wording") or gap.question
        draft = VerifiedDraft(wording, (), answer, collection, until=self._until(given), origin=origin)
        by = await self.verifying.approver(click.operator_open_id)
        before = await self.verifying.store.of_origin(origin)
        if before is None:
            made = await self.verifying.make(draft, by, once=True)
        elif (before.draft.wording, before.draft.answer) == (" ".join(wording.split()), answer.strip()):
            return Ack(toast("toast_approved_already"))
        else:
            draft = replace(draft, variants=before.draft.variants, evidence=before.draft.evidence)
            made = await self.verifying.edit(before.id, draft, by) or before
        return self._decided("toast_approved", lambda words: words.approved, made)

    async def _collection(self, click: CardAction, gap: OwnerQuestion) -> str:
        """The one that was chosen, or the only one, where whoever presses looks after it; "" where they do not."""
        person, verifying = click.operator_open_id, self.verifying
        if person not in (*gap.owners, *verifying.people.admins):
            return ""
        offered = await verifying.collections_of(gap, person)
        chosen = _text(click.form_value, "collection")
        if chosen:
            return chosen if chosen in offered else ""
        return offered[0] if offered else ""

    async def _decide(self, click: CardAction, action: Action) -> Ack:
        """Keeps or withdraws what the card shows, unless it was changed or withdrawn since the card was sent."""
        verified_id, _, version = action.answer_id.partition(".")
        approved = await self.verifying.store.of(verified_id)
        if approved is None or click.app_id != self.app_id:
            return Ack(toast("toast_gone", "warning"))
        if not self.verifying.may_decide(click.operator_open_id, approved):
            return Ack(toast("toast_not_owner", "warning"))
        if approved.is_withdrawn or version not in ("", str(approved.version)):
            return Ack(toast("toast_gone", "warning"))
        return await (self._keep if action.kind == "keep" else self._withdraw)(click, approved)

    async def _keep(self, click: CardAction, approved: Approved) -> Ack:
        try:
            is_seen = await self._is_seen(click, approved)
        except FeishuError as error:
            log.warning("rights_not_known", reason=str(error))
            return Ack(toast("toast_slow_store", "warning"))
        if not is_seen:
            return Ack(toast("toast_gone", "warning"))
        by = await self.verifying.approver(click.operator_open_id)
        answer = _text(click.form_value, "answer")
        kept = await self.verifying.keep(approved, self._until(click.form_value), by, answer=answer)
        if kept is None:
            return Ack(toast("toast_gone", "warning"))
        return self._decided("toast_kept", lambda words: words.again_kept, kept)

    async def _withdraw(self, click: CardAction, approved: Approved) -> Ack:
        """Also by somebody who may not see it any more: then its words are not shown."""
        try:
            is_seen = await self._is_seen(click, approved)
        except FeishuError as error:
            log.warning("rights_not_known", reason=str(error))
            is_seen = False
        by = await self.verifying.approver(click.operator_open_id)
        gone = await self.verifying.withdraw(approved.id, by)
        return self._decided("toast_withdrawn", lambda words: words.again_withdrawn, gone or approved, is_seen=is_seen)

    async def _is_seen(self, click: CardAction, approved: Approved) -> bool:
        """Whether who pressed may see all behind it, by the rights of now. Raises `FeishuError`."""
        return self.verifying.shows(await self.verifying.seen_by(click.operator_open_id), approved.behind)

    def _until(self, given: dict[str, Any]) -> float | None:
        days = _text(given, "days")
        is_number = days.isascii() and days.isdigit() and len(days) <= len(str(MOST_DAYS))
        return self.verifying.until(int(days) if is_number else self.verifying.people.verified_days)

    def _decided(self, key: str, said: Callable[[Texts], str], approved: Approved, *, is_seen: bool = True) -> Ack:
        words: Texts = texts(language_of(approved.draft.wording))
        card = decided_card(said(words), approved, words, is_seen=is_seen)
        return Ack({**toast(key, "success"), "card": {"type": "raw", "data": card}})


def _text(given: dict[str, Any], name: str) -> str:
    value = given.get(name)
    return value.strip() if isinstance(value, str) else ""
