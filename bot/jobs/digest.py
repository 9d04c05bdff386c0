"""The weekly card to a chosen chat: how much was asked, what is missing, what was disliked, and how quick it was.

Each replica proposes the week's job when it is due; its key is the week, so the inbox takes it once. A message id made
of the same key keeps it at one card where a worker dies between sending and saying so.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal

import structlog

from bot.access.rules import Access
from bot.cancellation import Ended, StopSignal
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.job import DigestPayload, Job, NewJob
from bot.repositories.analytics import Analytics
from bot.repositories.figures import documents, summary
from bot.settings import BotSettings
from bot.texts import language_of, texts
from feishu.api.messages import Messages, card_content
from feishu.cards import elements as build
from feishu.cards.elements import Card
from feishu.cards.markdown import escape_text
from feishu.clock import Clock
from feishu.errors import TargetGone

log = structlog.get_logger(__name__)

WEEK_DAYS = 7
CHECK_S = 300.0
LATE_H = 24
"""A digest that could not be proposed for a day is left out; ids are remembered for longer than that."""
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Digest:
    """Proposes the week's job, and does it."""

    figures: Analytics
    jobs: Jobs
    messages: Messages
    settings: BotSettings
    access: Access
    app_id: str
    clock: Clock

    async def propose_forever(self) -> None:
        """Looks every few minutes whether this week's digest is due; nothing without a chat."""
        while self.settings.digest_chat:
            try:
                await self.propose()
            except StoreError as error:
                log.warning("digest_not_proposed", reason=str(error))
            await self.clock.sleep(CHECK_S)

    async def propose(self) -> bool:
        """Accepts the job of this week if it is due; False when it is not, or was accepted before."""
        now = datetime.fromtimestamp(self.clock.time())
        due = due_at(now, self.settings.digest_weekday, self.settings.digest_hour)
        if not due <= now < due + timedelta(hours=LATE_H):
            return False
        year, week, _ = due.isocalendar()
        key = f"digest:{self.settings.digest_chat}:{year}-W{week:02}"
        payload = DigestPayload(key, self.settings.digest_chat)
        return await self.jobs.accept(NewJob(self.app_id, "digest", "digest", payload, (key,)))

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Sends the card. Raises `FeishuError`: it is tried again.

        Figures count everything; documents and questions are shown only where the digest's chat may see them.
        """
        week = DigestPayload.of(job)
        shows = partial(self.access.shows, await self.access.scope(week.chat_id, "group", ""))
        told = await self.figures.questions(WEEK_DAYS)
        seen = [one for one in told if shows(one.behind)]
        body = {**summary(told), "documents": documents(seen)}
        missing = [(gap.question, len(gap.members)) for gap in (await self.figures.gaps(WEEK_DAYS, shows))[:SHOWN]]
        disliked = sorted((one for one in seen if one.down), key=lambda one: -one.down)
        card = digest_card(
            body, missing, [(one.question, one.down) for one in disliked[:SHOWN]], self.settings.language
        )
        uuid = "digest-" + hashlib.sha256(week.key.encode()).hexdigest()[:32]
        try:
            await self.messages.send(week.chat_id, card_content(card), uuid=uuid)
        except TargetGone as error:
            return Ended("cancelled", str(error))
        return Ended("done")

    async def give_up(self, job: Job) -> None:
        """A digest that cannot be sent is missed by nobody."""


def due_at(now: datetime, weekday: int, hour: int) -> datetime:
    """The latest moment, not after `now`, that is this hour of this day of the week (1 is Monday)."""
    at = (now - timedelta(days=(now.isoweekday() - weekday) % WEEK_DAYS)).replace(
        hour=hour, minute=0, second=0, microsecond=0
    )
    return at if at <= now else at - timedelta(days=WEEK_DAYS)


def digest_card(
    body: dict[str, Any],
    missing: Sequence[tuple[str, int]],
    disliked: Sequence[tuple[str, int]],
    language: Literal["auto", "zh", "en"],
) -> Card:
    """Volume, what is missing, what was disliked, the best documents, speed."""
    words = texts(language_of("", preferred=language))  # a chat has no question whose language could be followed
    first = body["first_token_s"]["p95"]
    figures = words.digest_figures.format(
        asked=body["asked"],
        people=body["people"],
        unanswered=body["outcomes"]["no_evidence"],
        hedged=body["outcomes"]["hedged"],
        failed=body["outcomes"]["failed"],
        up=body["votes"]["up"],
        down=body["votes"]["down"],
        first="–" if first is None else f"{first:.1f} s",
    )
    best = sorted((row for row in body["documents"] if row["up"]), key=lambda row: (-row["up"], row["down"]))[:SHOWN]
    parts = [
        (words.digest_missing, missing),
        (words.digest_disliked, disliked),
        (words.digest_best, [(row["title"] or row["source"], row["up"]) for row in best]),
    ]
    elements = [build.markdown(figures)]
    for title, rows in parts:
        if rows:
            lines = "\n".join(f"- {escape_text(_one_line(name))} ({count})" for name, count in rows)
            elements.append(build.markdown(f"**{title}**\n{lines}"))
    return build.card(elements, header=build.header(words.digest_title, template="blue"), summary=words.digest_title)


def _one_line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 80 else line[:79] + "…"
