"""The jobs `answer`, `regenerate` and `continue`: from question to closed card."""

import asyncio
import contextlib
from dataclasses import replace
from functools import partial

import structlog

from bot.answering import PassagesChanged, anew
from bot.cancellation import Ended, StopSignal
from bot.cards import streaming_view as views
from bot.cards.progress import Exhausted, Expired, Outcome, Progress, Refused, Unread, conclude, ended
from bot.delivery.outbox import Delivery
from bot.intake.commands import asked_of_thread
from bot.intake.intake import message_of, new_turn
from bot.intake.policy import Policy, refusal_of
from bot.intake.results import Asked
from bot.job import AnswerPayload, ContinuePayload, Job
from bot.jobs.answer_card import AnswerCards, CardLocks
from bot.jobs.card_extras import CardExtras
from bot.jobs.more_sources import AfterAnswer
from bot.jobs.question import QuestionReader
from bot.models import Answer, Turn, behind, separated
from bot.repositories.turns import Conversations
from feishu.errors import TargetGone

log = structlog.get_logger(__name__)


class AnswerHandler:
    """Answers. Anything raised means: not done yet, try again later (`LeaseLost`: stop, another has it)."""

    def __init__(
        self,
        questions: QuestionReader,
        cards: AnswerCards,
        conversations: Conversations,
        dressing: CardExtras,
        policy: Policy,
        one_writer: CardLocks,
        afterwards: AfterAnswer | None = None,
    ) -> None:
        self._questions = questions
        self._cards = cards
        self._conversations = conversations
        self._dressing = dressing
        self._policy = policy
        self._one_writer = one_writer
        self._afterwards = afterwards

    async def run(self, job: Job, stop: StopSignal) -> Ended:
        """The whole turn: read the question, open the card, answer into it, store the answer, close the card."""
        wanted = None if job.turn_id else await self._questions.begun(job)
        if isinstance(wanted, Ended):
            return wanted
        async with self._one_writer.of(wanted.id if wanted else job.turn_id):
            return await self._write(job, wanted, stop)

    async def give_up(self, job: Job) -> None:
        """Tells the asker on the card, which is opened where there is none yet."""
        tried = Exhausted(job.attempt - 1 + job.alone)
        await self.end_unwritten(job, Expired() if job.given_up == "age" else tried)

    async def end_unwritten(self, job: Job, outcome: Outcome) -> None:
        """Closes the card of a job that nobody will write to an end."""
        wanted = None if job.turn_id else new_turn(job, message_of(job), Asked("…"))
        async with self._one_writer.of(wanted.id if wanted else job.turn_id):
            turn, answer = await self._conversations.begin(job, wanted)
            await self._conclude_unwritten(job, turn, answer, outcome)

    async def _write(self, job: Job, wanted: Turn | None, stop: StopSignal) -> Ended:
        turn, answer = await self._conversations.begin(job, wanted)
        if answer.outcome != "open":
            return await self._cards.pay(job, turn, answer)
        if why := refusal_of(job, self._policy):
            await self._conclude_unwritten(job, turn, answer, Refused(why))
            return Ended("cancelled", f"refused: {why}")
        if job.kind == "continue":
            return await self._go_on(job, turn, answer, stop)
        if job.kind == "regenerate":
            turn = await self._questions.as_edited(job, turn)
            if await self._conversations.was_verified(turn.id):
                answer = replace(answer, notice=self._cards.wording(turn).verified_from_documents)
        return await self._answer(job, turn, answer, stop)

    async def _conclude_unwritten(self, job: Job, turn: Turn, answer: Answer, outcome: Outcome) -> None:
        if answer.outcome == "open":
            wording = self._cards.wording(turn)
            answer = conclude(answer, ended(Progress(), outcome), wording, seconds=None, first_token_s=None)
            await self._conversations.save_answer(job, answer)
        await self._cards.close(job, turn, answer)

    async def _go_on(self, job: Job, turn: Turn, answer: Answer, stop: StopSignal) -> Ended:
        """Writes on where a version was cut; or anew, in the same card, where that is not possible any more."""
        since = self._cards.now()
        continued = await self._source_of(job)
        if continued is not None:
            with contextlib.suppress(PassagesChanged):
                return await self._answer(job, turn, answer, stop, started_at=since, continued=continued)
            turn, answer = await self._conversations.begin(job, None)
        log.info("answered_anew", answer_id=answer.id)
        answer = anew(answer, self._cards.wording(turn))
        return await self._answer(job, turn, answer, stop, started_at=since)

    async def _source_of(self, job: Job) -> Answer | None:
        """The version to continue; None where it is gone, or where its text may not be shown there any more."""
        wanted = ContinuePayload.of(job).answer_id
        state = await self._conversations.card_state(job.turn_id, answer_id=wanted)
        if state is None or state.answer.id != wanted or not state.answer.can_continue:
            return None
        return state.answer if await self._dressing.may_show(state) else None

    async def _answer(
        self,
        job: Job,
        turn: Turn,
        answer: Answer,
        stop: StopSignal,
        *,
        started_at: float | None = None,
        continued: Answer | None = None,
    ) -> Ended:
        """The card opens before anything is read that takes long; once it is read, it opens anew with the question."""
        resumed = job.is_resumed and bool(turn.card_id)
        so_far = continued.text if continued else ""
        opening = views.opening_card(turn, answer, self._cards.wording(turn), resumed=resumed, so_far=so_far)
        try:
            delivery = await self._cards.open(job, turn, opening)
        except TargetGone as error:
            log.info("question_is_gone", reason=str(error))
            return Ended("cancelled", "the question was recalled or its chat is gone")
        since = self._cards.now() if started_at is None else started_at
        try:
            if not turn.unread:
                return await self._answer_into(delivery, job, turn, answer, stop, since, continued)
            seen = await self._look_into(delivery, job, turn, answer, stop, since)
        finally:
            await delivery.aclose()
        return seen if isinstance(seen, Ended) else await self._answer(job, seen, answer, stop, started_at=since)

    async def _look_into(
        self, delivery: Delivery, job: Job, turn: Turn, answer: Answer, stop: StopSignal, since: float
    ) -> Turn | Ended:
        """The turn with its pictures read; or the end, on its card, where they ask for nothing."""
        wording = self._cards.wording(turn)
        try:
            seen = await self._questions.run(delivery, job, turn, wording, stop, started_at=since)
        except asyncio.CancelledError:
            await self._cards.pause(delivery, job, turn, answer)
            raise
        if isinstance(seen, Turn):
            return seen
        seconds = self._cards.now() - since
        answer = conclude(answer, ended(Progress(), seen), wording, seconds=seconds, first_token_s=None)
        finished = await self._cards.finish(delivery, job, turn, answer)
        return Ended("done", "its pictures ask nothing") if isinstance(seen, Unread) else finished

    async def _answer_into(
        self,
        delivery: Delivery,
        job: Job,
        turn: Turn,
        answer: Answer,
        stop: StopSignal,
        since: float,
        continued: Answer | None,
    ) -> Ended:
        run = self._cards.run_of(answer, started_at=since, continued=continued)
        try:
            understand = partial(self._questions.understood, job, turn, self._cards.wording(turn))
            outcome = await self._cards.write(delivery, turn, run, understand, stop)
        except asyncio.CancelledError:
            passages = run.progress.passages or ()
            seen = {name for each in passages for name in behind(each.chunk.collection, each.chunk.source)}
            kept = answer.leaned_on if continued or not run.progress.text else ()
            leaned_on = tuple(sorted({*run.behind, *_asked_of(job), *seen, *kept}))
            paused = replace(answer, text=run.progress.text or answer.text, leaned_on=leaned_on)
            await self._cards.pause(delivery, job, turn, paused)
            raise
        answer = run.conclude(outcome, self._cards.wording(turn), leaned_on=_asked_of(job))
        ended_as = await self._cards.finish(delivery, job, turn, answer)
        if self._afterwards and asked_of_thread(turn.question) is None:
            await self._afterwards.begin(turn, answer, run.question, run.progress.passages or ())
        return ended_as


def _asked_of(job: Job) -> list[str]:
    """What is behind the words of a question on a button."""
    return separated(AnswerPayload.of(job).collection) if job.kind == "answer" else []
