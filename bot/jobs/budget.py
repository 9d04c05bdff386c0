"""The job `budget`: an admin is told in private that the language model has cost a part of the month's budget, or all.

Nothing is stopped: a budget that ran out is a decision for people. Each admin is told once a month and share; the key
of the job is both.
"""

from dataclasses import dataclass

import structlog

from bot.cancellation import Ended, StopSignal
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.replies import Replier
from bot.job import BudgetPayload, Job, NewJob
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.token_usage import TokenUsage
from bot.settings import Settings
from bot.texts import language_of, texts
from feishu.api.messages import short_id
from feishu.clock import Clock
from feishu.errors import TargetGone

log = structlog.get_logger(__name__)

KEEP_EVERY_S = 15.0
SHARES = (80, 100)
"""Percent of the budget at which the admins are told."""


@dataclass(frozen=True, slots=True)
class BudgetHandler:
    """Keeps what calls cost, proposes the notices, and gives them."""

    usage: TokenUsage
    jobs: Jobs
    ledger: ChatFacts
    voice: Replier
    settings: Settings
    clock: Clock

    async def keep_forever(self) -> None:
        """Stores what was counted, and looks at the budget."""
        while True:
            await self.clock.sleep(KEEP_EVERY_S)
            try:
                await self.usage.flush()
                await self.propose()
            except StoreError as error:
                log.warning("token_usage_not_stored", reason=str(error))

    async def propose(self) -> bool:
        """Accepts a notice for each admin where a share is reached that nobody was told of yet. Raises `StoreError`."""
        budget, admins = self.settings.bot.monthly_tokens, self.settings.bot.admins
        if not budget or not admins:
            return False
        month, spent = await self.usage.of_month()
        app_id = self.settings.feishu.app_id
        reached = [share for share in SHARES if spent * 100 >= budget * share]
        keys = {share: f"budget:{month}:{budget}:{share}" for share in reached}
        if not reached or await self.ledger.noted(app_id, keys[reached[-1]]):
            return False
        for admin in admins:
            payload = BudgetPayload(admin, month, spent, budget)
            key = f"{keys[reached[-1]]}:{admin}"
            await self.jobs.accept(NewJob(app_id, "budget", f"budget/{admin}", payload, (key,)))
        for key in keys.values():
            await self.ledger.note(app_id, key)
        log.warning("model_budget_reached", month=month, spent=spent, budget=budget)
        return True

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """Tell it. Raises `FeishuError`: it is tried again."""
        told = BudgetPayload.of(job)
        wording = texts(language_of("", preferred=self.settings.bot.language))
        words = wording.budget_reached if told.spent >= told.budget else wording.budget_nearly_reached
        text = words.format(month=told.month, spent=f"{told.spent:,}", budget=f"{told.budget:,}")
        try:
            await self.voice.tell(told.open_id, text, uuid=short_id("budget", job.app_id, str(job.id)))
        except TargetGone as error:
            return Ended("cancelled", str(error))
        return Ended("done")

    async def give_up(self, job: Job) -> None:
        """The page and the log tell it, too."""
        log.warning("budget_notice_not_sent", reason=job.reason)
