"""A message becomes a job, or nothing."""

import time

from bot.handlers.acknowledgement import Ack
from bot.handlers.addressing import Addressee
from bot.inbox.queue import Jobs, NewJob, OverBound
from bot.inbox.worker import Worker
from bot.intake.intake import conversation_of
from bot.intake.policy import Attempt, Deed, Ignored, Policy, Refusal, deed_of
from bot.intake.refusals import Refusals
from bot.observability.metrics import Metrics
from bot.payloads import Addressing, AnswerPayload
from feishu.clock import Clock
from feishu.events.text import text_of
from feishu.events.types import MessageReceived

MESSAGE_EVENT = "im.message.receive_v1"


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
