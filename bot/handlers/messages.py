"""From an event to a durable fact: a message becomes a job; all else goes to `bot.handlers.card_actions` and
`bot.handlers.chat_events`."""

import time
from collections.abc import Callable

from bot.access import Access
from bot.handlers.card_actions import Ack, Clicks
from bot.handlers.chat_events import Hearing
from bot.inbox.queue import Jobs, NewJob, OverBound
from bot.inbox.worker import Worker
from bot.intake.bot_identity import Identity
from bot.intake.intake import conversation_of
from bot.intake.policy import Attempt, Deed, Ignored, Policy, Refusal, Unaddressed, deed_of, judge
from bot.intake.refusals import Refusals
from bot.observability.metrics import Metrics
from bot.repositories.chat_facts import Ledger
from bot.repositories.owner_questions import Gaps
from bot.repositories.turns import Conversations
from bot.repositories.votes import Feedback
from bot.settings.people import PeopleSettings
from feishu.clock import Clock, SystemClock
from feishu.events.parsing import Event
from feishu.events.text import text_of
from feishu.events.types import CardAction, MessageReceived, Unknown

MESSAGE_EVENT = "im.message.receive_v1"


class Handlers:
    """The third room: one transaction, then the acknowledgement."""

    def __init__(
        self,
        jobs: Jobs,
        conversations: Conversations,
        feedback: Feedback,
        identity: Identity,
        worker: Worker,
        metrics: Metrics,
        ledger: Ledger,
        gaps: Gaps,
        people: PeopleSettings,
        access: Access,
        *,
        clock: Clock | None = None,
    ) -> None:
        self._ledger = ledger
        self._gaps = gaps
        self._people = people
        self._clock = clock = clock or SystemClock()
        self._policy = policy = Policy(people)
        self._refusals = Refusals(jobs, metrics, clock=clock)
        self._clicks = Clicks(jobs, conversations, feedback, ledger, worker, metrics, policy, access, clock=clock)
        self._hearing = Hearing(jobs, ledger, conversations, feedback, metrics, policy, self._refusals, clock=clock)
        self._jobs = jobs
        self._identity = identity
        self._worker = worker
        self._metrics = metrics

    async def admit(self, event: Event) -> Ack:
        """Raises `StoreError` when the store cannot take it: the platform is then told to deliver again."""
        match event:
            case MessageReceived():
                return await self._on_message(event)
            case CardAction():
                return await self._clicks.take(event)
            case Unknown():
                self._metrics.event_received(event.event_type, "ignored")
                return Ack({})
            case _:
                wakes, stops = await self._hearing.take(event)
                return Ack({}, self._after(wakes, stops))

    def _after(self, wakes: bool, stops: int | None) -> Callable[[], None] | None:
        def work() -> None:
            if stops is not None:
                self._worker.stop_job(stops, by="recalled")
            self._worker.wake()

        return work if wakes or stops is not None else None

    async def _heard(self, message: MessageReceived, bot_open_id: str | None) -> str:
        """Why a message that mentions nobody of us is for us all the same; "" when it is not."""
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

    async def _on_message(self, message: MessageReceived) -> Ack:
        known = self._identity.known
        bot_open_id = known.open_id if known else None
        verdict = judge(message, bot_open_id=bot_open_id, answer_at_all=self._people.answer_at_all)
        heard = await self._heard(message, bot_open_id) if isinstance(verdict, Unaddressed) else "mention"
        if isinstance(verdict, Ignored) or not heard:
            self._metrics.event_received(
                MESSAGE_EVENT, verdict.why if isinstance(verdict, Ignored) else "not_mentioned"
            )
            return Ack({})
        deed = deed_of(message, text_of(message, bot_open_id=bot_open_id or ""), heard)
        return await self._accept(message, deed, heard, is_undecided=getattr(verdict, "undecided", False))

    async def _accept(self, message: MessageReceived, deed: Deed, heard: str, *, is_undecided: bool) -> Ack:
        """What may not even be for us is refused by the rules once that is known, when its job runs."""
        attempt = Attempt(deed, message.sender_open_id, message.chat_id, message.chat_type)
        why = None if is_undecided else self._policy.refusal(attempt, self._clock.time())
        if why:
            return await self._refuse(message, deed, why)
        job = NewJob(
            app_id=message.app_id,
            kind="answer",
            conversation=_line_of(message, deed),
            payload={"message": message, "undecided": is_undecided, "heard": heard},
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
