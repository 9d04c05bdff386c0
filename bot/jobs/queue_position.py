"""Questions that cannot begin yet: their cards open at once, tell the place in the queue, and can be stopped."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Literal, Protocol

import structlog

from bot.cards.progress import Stopped
from bot.cards.streaming_view import opening_card
from bot.delivery.outbox import CardDelivery
from bot.errors import StoreError
from bot.inbox.queue import Jobs
from bot.intake.intake import MessageIntake
from bot.intake.results import NoQuestion
from bot.job import Job, JobState, LeaseLost
from bot.models import Answer, Turn
from bot.repositories.turns import Conversations
from bot.texts import language_of, texts
from feishu.cards.elements import Card
from feishu.clock import Clock
from feishu.errors import FeishuError, TargetGone

log = structlog.get_logger(__name__)

AT_ONCE = 8


class Endings(Protocol):
    """What this needs of `bot.jobs.answer.AnswerHandler`."""

    async def end_unwritten(self, job: Job, outcome: Stopped) -> None: ...


class QueuePositions:
    """Each step for a job is made under its fence, while the job stays queued; whoever begins it goes on from there."""

    def __init__(
        self,
        jobs: Jobs,
        reading: MessageIntake,
        conversations: Conversations,
        outbox: CardDelivery,
        endings: Endings,
        *,
        clock: Clock,
        lease_s: float,
        language: Literal["auto", "zh", "en"] = "auto",
    ) -> None:
        self._jobs = jobs
        self._reading = reading
        self._conversations = conversations
        self._outbox = outbox
        self._endings = endings
        self._clock = clock
        self._lease_s = lease_s
        self._language = language
        self._looking: set[asyncio.Task[None]] = set()

    @property
    def looked_after(self) -> int:
        """How many are being opened or refreshed now."""
        return len(self._looking)

    async def tell(self, wake: Callable[[], None]) -> None:
        """Begins to open and refresh what is due; calls `wake` whenever a job is free again. Raises `StoreError`."""
        if len(self._looking) >= AT_ONCE:
            return
        for job, place in await self._jobs.hold_waiting(AT_ONCE - len(self._looking)):
            task = asyncio.create_task(self._look_after(job, place), name=f"waiting-{job.id}")
            self._looking.add(task)
            task.add_done_callback(self._looking.discard)
            task.add_done_callback(lambda _ended: wake())

    async def aclose(self) -> None:
        """Gives back what is held: somebody else may begin it at once."""
        looking = list(self._looking)
        for task in looking:
            task.cancel()
        await asyncio.gather(*looking, return_exceptions=True)

    async def _look_after(self, job: Job, place: int) -> None:
        with structlog.contextvars.bound_contextvars(job_id=job.id, turn_id=job.turn_id):
            keeping = asyncio.create_task(self._keep(job), name=f"keep-{job.id}")
            try:
                ended = await self._step(job, place)
                if ended is None:
                    await self._jobs.put_back(job)
                else:
                    await self._jobs.finish(job, *ended)
            except asyncio.CancelledError:
                await asyncio.shield(self._put_back_quietly(job))
                raise
            except (LeaseLost, StoreError) as error:
                log.info("waiting_left", reason=str(error))
            except Exception as error:  # not its turn yet: the real attempt will tell
                expected = isinstance(error, FeishuError)
                log.warning("waiting_card_failed", reason=str(error), exc_info=None if expected else error)
                await self._put_back_quietly(job)
            finally:
                keeping.cancel()

    async def _keep(self, job: Job) -> None:
        """Reading a file may last longer than a lease; nobody else shall fetch it again meanwhile."""
        while True:
            await self._clock.sleep(self._lease_s / 3)
            with contextlib.suppress(StoreError):
                await self._jobs.renew([job])

    async def _put_back_quietly(self, job: Job) -> None:
        try:
            await self._jobs.put_back(job)
        except (LeaseLost, StoreError) as error:
            log.info("waiting_left", reason=str(error))

    async def _step(self, job: Job, place: int) -> tuple[JobState, str] | None:
        """The end of the job where it has one already: it was stopped, or asks for nothing that takes a slot."""
        if job.stop_by and job.turn_id:
            await self._endings.end_unwritten(job, Stopped(job.stop_by))
            return "cancelled", "stopped while it waited"
        try:
            wanted = None if job.turn_id else await self._reading.read(job)
            if isinstance(wanted, NoQuestion):
                return "done" if wanted.done else "cancelled", wanted.why
            turn, answer = await self._conversations.begin(job, wanted)
            delivery = await self._outbox.open(job, turn, self._card(turn, answer, place))
        except TargetGone as error:
            log.info("question_is_gone", reason=str(error))
            return "cancelled", "the question was recalled or its chat is gone"
        await delivery.aclose()
        log.info("queue_position_updated", place=place)
        return None

    def _card(self, turn: Turn, answer: Answer, place: int) -> Card:
        wording = texts(language_of(turn.question, preferred=self._language))
        ahead = wording.queued_place.format(count=place)
        return opening_card(turn, answer, wording, resumed=False, waiting=ahead)
