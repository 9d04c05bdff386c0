"""The job `verified`: whoever stands for an answer is asked whether it still holds, before it ends and when its
documents have changed.

Each replica proposes the look whenever there is another index, and every quarter of an hour; its key is both, so the
inbox takes it once. A card is sent once for each answer and reason, until somebody has decided.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import structlog

from bot.cancellation import Ended, StopSignal
from bot.cards.verified import again_card, against_lines, day_of
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.replies import Replier
from bot.job import Job, NewJob, VerifiedPayload
from bot.repositories.verified_answers import Approved
from bot.repositories.verified_likeness import other_figures
from bot.settings import Settings
from bot.texts import Texts, language_of, texts
from bot.verified.approval import DAY_S, Verifying
from feishu.api.availability import is_outage
from feishu.api.messages import card_content, short_id
from feishu.errors import ApiError
from rag.documents import Chunk
from rag.errors import RagError
from rag.index.index import current_stamp

log = structlog.get_logger(__name__)

CHECK_S = 60.0
LOOK_S = 900.0
LINE = "verified"
Reason = Literal["changed", "expires", "unvouched"]
TITLES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class VerifiedHandler:
    """Proposes the looks, and does them."""

    verifying: Verifying
    voice: Replier
    jobs: Jobs
    settings: Settings

    async def propose_forever(self) -> None:
        """Proposes a look whenever it is due."""
        while True:
            try:
                await self.propose()
            except StoreError as error:
                log.warning("verified_look_not_proposed", reason=str(error))
            await self.verifying.clock.sleep(CHECK_S)

    async def propose(self) -> bool:
        """Accepts the look of this index and quarter of an hour; False when it was accepted before, and where there is
        nothing to look through."""
        if await self.verifying.store.is_empty():
            return False
        rag, period = self.settings.rag, int(self.verifying.clock.time() // LOOK_S)
        stamp = "" if rag.store == "milvus" else repr(current_stamp(rag))
        key = f"verified:{hashlib.sha256(stamp.encode()).hexdigest()[:16]}:{period}"
        return await self.jobs.accept(NewJob(self.settings.feishu.app_id, "verified", LINE, VerifiedPayload(), (key,)))

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Raises `FeishuError`, `StoreError`: it is tried again."""
        asked = 0
        for approved in await self.verifying.store.all():
            if approved.is_withdrawn:
                continue
            try:
                gone = await self.verifying.passages.outdated(approved.given)
            except RagError as error:
                return Ended("cancelled", str(error))
            for reason in self._due(approved, gone):
                if await self._ask(approved, reason, gone):
                    await self.verifying.store.asked(approved.id, reason)
                    asked += 1
        return Ended("done", f"asked about {asked}")

    async def give_up(self, job: Job) -> None:
        """Nobody waits for it, and the next look sees the same."""
        log.warning("verified_not_looked_through", reason=job.reason)

    def _due(self, approved: Approved, gone: Sequence[Chunk]) -> list[Reason]:
        """The reasons to ask about it for which nobody was asked yet."""
        notice_s = self.verifying.people.verified_notice_days * DAY_S
        until, now = approved.draft.until, self.verifying.clock.time()
        reasons: dict[Reason, bool] = {
            "changed": bool(gone),
            "expires": until is not None and until - notice_s <= now,
            "unvouched": not approved.by.name,
        }
        return [reason for reason, holds in reasons.items() if holds and reason not in approved.asked_about]

    async def _ask(self, approved: Approved, reason: Reason, gone: Sequence[Chunk]) -> bool:
        """The first who can be reached: who approved it, the owners of its documents, the admins. One who cannot be
        written to, having left the company or the app's range, or may not see all behind it, is passed over. False
        where it was nobody: the next look tries again."""
        wording = texts(language_of(approved.draft.wording, preferred=self.settings.bot.language))
        said = await self._said(approved, reason, gone, wording)
        people, link = self.verifying.people, self._link(approved)
        others = dict.fromkeys((*self.verifying.owners(approved.draft.collection), *people.admins))
        for open_id in dict.fromkeys((approved.by.open_id, *others)):
            if not open_id or not await self._sees(open_id, approved):
                continue
            is_approver = open_id == approved.by.open_id or not approved.by.open_id
            instead = [] if is_approver else [wording.again_instead.format(name=approved.by.name)]
            card = again_card(approved, [*said, *instead], people.verified_days, wording, link=link)
            uuid = short_id("verified", approved.id, str(approved.version), reason, open_id)
            try:
                await self.voice.tell(open_id, card_content(card), uuid=uuid)
            except ApiError as error:
                if is_outage(error):
                    raise
                log.info("approver_not_reached", open_id=open_id, reason=str(error))
                continue
            return True
        log.info("nobody_asked_about_verified", verified_id=approved.id, reason=reason)
        return False

    async def _sees(self, open_id: str, approved: Approved) -> bool:
        return self.verifying.shows(await self.verifying.seen_by(open_id), approved.behind)

    async def _said(self, approved: Approved, reason: Reason, gone: Sequence[Chunk], wording: Texts) -> list[str]:
        """Why it is asked, in words, with the figures that its documents give now."""
        if reason == "unvouched":
            return [wording.again_unvouched]
        if reason == "changed":
            titles = list(dict.fromkeys(chunk.title for chunk in gone))
            now = [await self.verifying.passages.instead_of(chunk) for chunk in gone]
            figures = other_figures(approved.draft, [chunk for chunk in now if chunk is not None])
            changed = wording.again_changed.format(titles=", ".join(titles[:TITLES_SHOWN]))
            return [changed, *against_lines((), figures, wording)]
        is_over = not approved.given.is_valid(self.verifying.clock.time())
        said = wording.again_expired if is_over else wording.again_expires
        return [said.format(date=day_of(approved.draft.until or 0.0))]

    def _link(self, approved: Approved) -> str:
        base = self.settings.bot.web_url.rstrip("/")
        return f"{base}/admin#verified={approved.id}" if base else ""
