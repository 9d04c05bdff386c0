"""A message becomes a job, or nothing: whether it is for the bot, whether its person may, then one transaction."""

import time

from bot.handlers.acknowledgement import Ack
from bot.inbox.queue import Jobs
from bot.inbox.worker import Worker
from bot.intake.bot_identity import Identity
from bot.intake.intake import conversation_of
from bot.intake.policy import Attempt, Deed, Ignored, Policy, Refusal, Unaddressed, deed_of, judge
from bot.intake.refusals import Refusals
from bot.job import Addressing, AnswerPayload, NewJob, OverBound
from bot.observability.metrics import Metrics
from bot.repositories.chat_facts import ChatFacts
from bot.repositories.owner_questions import OwnerQuestions
from bot.settings.people import PeopleSettings
from feishu.clock import Clock
from feishu.events.text import text_of
from feishu.events.types import MessageReceived

MESSAGE_EVENT = "im.message.receive_v1"


class Addressee:
    """By its mentions first, then by what it replies to."""

    def __init__(
        self, identity: Identity, ledger: ChatFacts, gaps: OwnerQuestions, people: PeopleSettings, *, clock: Clock
    ) -> None:
        self._identity = identity
        self._ledger = ledger
        self._gaps = gaps
        self._people = people
        self._clock = clock

    @property
    def bot_open_id(self) -> str:
        """The bot's own; "" until the platform has told it."""
        return self._identity.known.open_id if self._identity.known else ""

    async def of(self, message: MessageReceived) -> tuple[Addressing, bool] | Ignored:
        """Why it is for us, and whether that has to be looked at again once the bot's open_id is known; `Ignored` for
        what is not. Raises `StoreError`."""
        verdict = judge(message, bot_open_id=self.bot_open_id or None, answer_at_all=self._people.answer_at_all)
        if isinstance(verdict, Ignored):
            return verdict
        if not isinstance(verdict, Unaddressed):
            return "mention", verdict.undecided
        why = await self._without_mention(message)
        return (why, False) if why else Ignored("not_mentioned")

    async def _without_mention(self, message: MessageReceived) -> Addressing:
        if message.parent_id or message.thread_id:
            if await self._gaps.of_reply(message):
                return "owner"
            if message.mentions:
                return ""
            if message.parent_id and not message.thread_id:
                return "reply" if await self._ledger.turn_of_card(message.app_id, (message.parent_id,)) else ""
            since = self._clock.time() - self._people.memory_h * 3600
            where = conversation_of(message)
            if await self._ledger.talks_with_us(message.app_id, where, message.sender_open_id, since):
                return "reply"
        is_silent = message.chat_id in self._people.silent_chats and not message.mentions
        return "silent" if is_silent else ""


class MessageHandler:
    """One transaction, then the acknowledgement."""

    def __init__(
        self,
        jobs: Jobs,
        addressee: Addressee,
        policy: Policy,
        refusals: Refusals,
        worker: Worker,
        metrics: Metrics,
        *,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._addressee = addressee
        self._policy = policy
        self._refusals = refusals
        self._worker = worker
        self._metrics = metrics
        self._clock = clock

    async def take(self, message: MessageReceived) -> Ack:
        """Accepts it where it is for us and its person may. Raises `StoreError`."""
        found = await self._addressee.of(message)
        if isinstance(found, Ignored):
            self._metrics.event_received(MESSAGE_EVENT, found.why)
            return Ack({})
        heard, is_undecided = found
        deed = deed_of(message, text_of(message, bot_open_id=self._addressee.bot_open_id), heard)
        return await self._accept(message, deed, heard, is_undecided=is_undecided)

    async def _accept(self, message: MessageReceived, deed: Deed, heard: Addressing, *, is_undecided: bool) -> Ack:
        """What may not even be for us is refused by the rules once that is known, when its job runs."""
        attempt = Attempt(deed, message.sender_open_id, message.chat_id, message.chat_type)
        why = None if is_undecided else self._policy.refusal(attempt, self._clock.time())
        if why:
            return await self._refuse(message, deed, why)
        job = NewJob(
            app_id=message.app_id,
            kind="answer",
            conversation=_line_of(message, deed),
            payload=AnswerPayload(message, is_undecided, heard),
            keys=(f"event:{message.event_id}", f"message:{message.message_id}"),
        )
        job = self._policy.priced(job, attempt)
        started_at = time.perf_counter()
        try:
            fresh = await self._jobs.accept(job)
        except OverBound as error:
            return await self._refuse(message, deed, error.bound, is_undecided=is_undecided)
        took_s = time.perf_counter() - started_at
        self._metrics.event_received(MESSAGE_EVENT, "accepted" if fresh else "duplicate", took_s)
        return Ack({}, self._worker.wake if fresh else None)

    async def _refuse(self, message: MessageReceived, deed: Deed, why: Refusal, *, is_undecided: bool = False) -> Ack:
        self._metrics.event_received(MESSAGE_EVENT, "refused")
        is_to_be_said = await self._refusals.of_message(message, deed, why, is_undecided=is_undecided)
        return Ack({}, self._worker.wake if is_to_be_said else None)


def _line_of(message: MessageReceived, deed: Deed) -> str:
    """What is done one after the other. A command does not wait for the answer that is being written, nor /stop for
    other commands; a person's commands wait for each other."""
    if deed in ("command", "stop_command"):
        return f"{deed}/{message.sender_open_id}"
    return conversation_of(message)
