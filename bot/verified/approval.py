"""A verified answer is made, changed, kept or withdrawn: what holds whoever does it, in the browser or on a card."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import structlog

from bot.access.rules import FILES, Access
from bot.errors import BotError
from bot.intake.user_names import UserNames
from bot.repositories.owner_questions import OwnerQuestion
from bot.repositories.turns import Conversations
from bot.repositories.verified_answers import (
    MOST_ANSWER_CHARS,
    MOST_VARIANTS,
    MOST_WORDING_CHARS,
    Approved,
    Approver,
    VerifiedDraft,
    VerifiedStore,
)
from bot.repositories.verified_likeness import Alike, OtherFigure, alike, other_figures
from bot.settings.people import PeopleSettings
from bot.verified.passages import Passages, key_of, renumbered
from feishu.clock import Clock
from rag.generation.follow_ups import leans
from rag.scope import EVERYTHING, Scope
from rag.verified.wording import asks_same, form_of

log = structlog.get_logger(__name__)

DAY_S = 86_400.0
NAME_S = 0.8
"""A click is answered within three seconds: a name that the platform is slow to tell is not waited for."""


class NotApprovable(BotError):
    """What was to be approved cannot be: the sentence says what to change."""


@dataclass(frozen=True, slots=True)
class Review:
    """What an approver should see before they approve."""

    alike: tuple[Alike, ...] = ()
    figures: tuple[OtherFigure, ...] = ()
    leans: bool = False
    """Whether the question cannot be understood without what was said before it."""


class Verifying:
    """Raises `StoreError`, and `RagError` where documents have to be looked at."""

    def __init__(
        self,
        store: VerifiedStore,
        passages: Passages,
        people: PeopleSettings,
        names: UserNames,
        conversations: Conversations,
        access: Access,
        *,
        clock: Clock,
    ) -> None:
        self.store = store
        self.passages = passages
        self.people = people
        self._names = names
        self._conversations = conversations
        self._access = access
        self.clock = clock

    async def approver(self, open_id: str) -> Approver:
        """Somebody by their name; by their id where the platform does not tell it in time."""
        name = ""
        try:
            async with asyncio.timeout(NAME_S):
                name = await self._names.of(open_id)
        except TimeoutError:
            log.info("name_came_late")
        return Approver(open_id, name or open_id)

    def until(self, days: float) -> float | None:
        """When what is approved now for so many days ends; 0 days: never."""
        return self.clock.time() + days * DAY_S if days else None

    def owners(self, collection: str) -> tuple[str, ...]:
        """Who looks after the documents of a collection."""
        return self.people.owners_of([collection])

    async def collections_of(self, gap: OwnerQuestion, open_id: str) -> list[str]:
        """The collections that an answer to a question may be given in by somebody who looks after them: those of the
        documents that were nearest to it, else all of theirs."""
        state = await self._conversations.card_state(gap.id.partition(".")[0])
        near = list(dict.fromkeys(source.collection for source in state.answer.sources)) if state else []
        own = await self.own_collections(open_id)
        return [name for name in near if name in own] or own

    async def given_to(self, gap: OwnerQuestion, open_id: str) -> str:
        """What a question was answered, without its citations, for somebody to write it better; "" where they may not
        see that, and where it was not answered. Raises `FeishuError`."""
        state = await self._conversations.card_state(gap.id.partition(".")[0])
        if state is None or state.answer.outcome not in ("answered", "hedged"):
            return ""
        is_seen = self.shows(await self.seen_by(open_id), state.answer.behind)
        return renumbered(state.answer.text, []) if is_seen else ""

    async def own_collections(self, open_id: str) -> list[str]:
        """The collections that somebody looks after; an admin looks after all."""
        known = await self.passages.collections()
        return [name for name in known if open_id in (*self.owners(name), *self.people.admins)]

    def may_decide(self, open_id: str, approved: Approved) -> bool:
        """Whether somebody may keep, change or withdraw an answer on a card: who approved it, the owners, admins."""
        collection = approved.draft.collection
        return open_id in (approved.by.open_id, *self.owners(collection), *self.people.admins)

    async def seen_by(self, open_id: str) -> Scope:
        """What somebody may be shown in private: what a question of theirs would see, and the collections that they
        look after; of documents with rights of their own those that they may open. Raises `FeishuError`."""
        scope = await self._access.scope("", "p2p", open_id)
        if scope.names is None:
            return scope
        return replace(scope, names=scope.names | frozenset(await self.own_collections(open_id)))

    def shows(self, scope: Scope, behind: Iterable[str]) -> bool:
        """Whether a scope shows what has this behind it (`bot.models.behind`). Words of a file that somebody sent are
        theirs, though everybody's private chat shows files: nobody is shown them here."""
        names = frozenset(behind)
        return FILES not in names and self._access.shows(scope, names)

    async def review(self, draft: VerifiedDraft, *, without: str = "", scope: Scope = EVERYTHING) -> Review:
        """What speaks against a draft, of what its approver may see; `without` is the answer that it changes."""
        others = [each for each in await self.store.all() if self.shows(scope, each.behind)]
        known = {key_of(each.chunk): each.chunk for each in draft.evidence}
        known |= {key_of(chunk): chunk for chunk in await self.passages.found_for(draft.wording, scope)}
        against = other_figures(draft, list(known.values()))
        return Review(tuple(alike(draft, others, without=without)), tuple(against), leans(draft.wording))

    async def make(self, draft: VerifiedDraft, by: Approver, *, once: bool = False) -> Approved:
        """A new one; with `once` the one that was made of the same before, if there is one. Raises `NotApprovable`."""
        made = await self.store.make(checked(draft, self.clock.time()), by, once=once)
        log.info("verified_made", verified_id=made.id, by=by.open_id)
        return made

    async def edit(
        self, verified_id: str, draft: VerifiedDraft, by: Approver, *, version: int | None = None
    ) -> Approved | None:
        """Other words; with `version` only of that version. Raises `NotApprovable`."""
        edited = await self.store.edit(verified_id, checked(draft, self.clock.time()), by, version=version)
        log.info("verified_edited", verified_id=verified_id, by=by.open_id)
        return edited

    async def keep(self, approved: Approved, until: float | None, by: Approver, *, answer: str = "") -> Approved | None:
        """It still holds, in other words where an `answer` is given: by what stands in its documents now. None where it
        was changed or withdrawn since it was read. Raises `NotApprovable`."""
        if approved.is_withdrawn:
            return None
        _check_until(until, self.clock.time())
        draft, (numbers, evidence) = approved.draft, await self.passages.renewed(approved.given)
        text = answer.strip() or draft.answer
        if len(evidence) < len(draft.evidence):
            text = renumbered(text, numbers)
        log.info("verified_kept", verified_id=approved.id, by=by.open_id)
        if text == draft.answer:
            return await self.store.keep(approved.id, until, evidence, by, version=approved.version)
        draft = replace(draft, answer=text, evidence=evidence, until=until)
        return await self.edit(approved.id, draft, by, version=approved.version)

    async def withdraw(self, verified_id: str, by: Approver) -> Approved | None:
        """It is given to nobody any more."""
        log.info("verified_withdrawn", verified_id=verified_id, by=by.open_id)
        return await self.store.withdraw(verified_id, by)


def checked(draft: VerifiedDraft, now: float) -> VerifiedDraft:
    """A draft as it can be stored. Raises `NotApprovable`."""
    wording, answer = _plain(draft.wording), draft.answer.replace("\x00", "").strip()
    variants = [each for each in map(_plain, draft.variants) if each]
    if not wording or not answer:
        raise NotApprovable("a question and an answer are wanted")
    for text in (wording, *variants):
        if len(text) > MOST_WORDING_CHARS:
            raise NotApprovable(f"a question may have {MOST_WORDING_CHARS} characters; shorten: {text[:40]}…")
        if form_of(text) is None:
            raise NotApprovable(f"this question names nothing that it is about: {text}")
    if len(answer) > MOST_ANSWER_CHARS:
        raise NotApprovable(f"an answer may have {MOST_ANSWER_CHARS} characters; this one has {len(answer)}")
    kept = [each for at, each in enumerate(variants) if not _is_known(each, [wording, *variants[:at]])]
    if len(kept) > MOST_VARIANTS:
        raise NotApprovable(f"a question may have {MOST_VARIANTS} other wordings; these are {len(kept)}")
    if draft.collection in ("", FILES):
        raise NotApprovable("choose a collection: it says who may see the answer")
    _check_until(draft.until, now)
    return replace(draft, wording=wording, variants=tuple(kept), answer=answer)


def _check_until(until: float | None, now: float) -> None:
    if until is not None and until <= now:
        raise NotApprovable("the date until which it holds is over; choose a later one")


def _is_known(wording: str, others: Sequence[str]) -> bool:
    return any(asks_same(wording, other) for other in others)


def _plain(text: str) -> str:
    return " ".join(text.replace("\x00", "").split())
