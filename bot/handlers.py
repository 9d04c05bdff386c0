"""From an event to a durable fact: a message becomes a job, a click becomes a vote, a stop mark or a job."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import structlog

from bot.actions import Action, unpack
from bot.conversations import Answer, Conversations, Turn
from bot.errors import StoreError
from bot.feedback import REASONS, Feedback, Vote
from bot.final_card import thanks_card
from bot.identity import Identity
from bot.jobs import Jobs, NewJob
from bot.metrics import Metrics
from bot.policy import Ignored, judge
from bot.texts import EN, ZH, language_of, texts
from bot.turn import conversation_of
from bot.worker import Worker
from feishu.events import CardAction, Event, MessageReceived, Unknown

log = structlog.get_logger(__name__)

MESSAGE_EVENT = "im.message.receive_v1"
CALLBACK_BUDGET_S = 2.0  # the platform waits 3 s end to end
ToastType = Literal["info", "success", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Ack:
    """The answer to the platform: the response's JSON, and what to do once it has been sent."""

    body: dict[str, Any]
    afterwards: Callable[[], None] | None = None


def toast(key: str, kind: ToastType = "info") -> dict[str, Any]:
    """A callback response that shows a line in the clicker's own language; `key` names a field of `bot.texts.Texts`."""
    zh, en = getattr(ZH, key), getattr(EN, key)
    return {"toast": {"type": kind, "content": zh, "i18n": {"zh_cn": zh, "en_us": en}}}


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
    ) -> None:
        self._jobs = jobs
        self._conversations = conversations
        self._feedback = feedback
        self._identity = identity
        self._worker = worker
        self._metrics = metrics

    async def admit(self, event: Event) -> Ack:
        """Raises `StoreError` when the store cannot take it: the platform is then told to deliver again."""
        match event:
            case MessageReceived():
                return await self._on_message(event)
            case CardAction():
                return await self._on_click(event)
            case Unknown():
                self._metrics.event_received(event.event_type, "ignored")
                return Ack({})
            case _:
                assert_never(event)

    async def _on_message(self, message: MessageReceived) -> Ack:
        known = self._identity.known
        verdict = judge(message, bot_open_id=known.open_id if known else None)
        if isinstance(verdict, Ignored):
            self._metrics.event_received(MESSAGE_EVENT, verdict.why)
            return Ack({})
        started_at = time.perf_counter()
        fresh = await self._jobs.accept(
            NewJob(
                app_id=message.app_id,
                kind="answer",
                conversation=conversation_of(message),
                payload={"message": message, "undecided": verdict.undecided},
                keys=(f"event:{message.event_id}", f"message:{message.message_id}"),
            )
        )
        took_s = time.perf_counter() - started_at
        self._metrics.event_received(MESSAGE_EVENT, "accepted" if fresh else "duplicate", took_s)
        return Ack({}, self._worker.wake if fresh else None)

    async def _on_click(self, click: CardAction) -> Ack:
        """A toast whatever happens: the platform shows people an error code for anything else."""
        action = unpack(click.value)
        try:
            async with asyncio.timeout(CALLBACK_BUDGET_S):
                ack = await self._act(click, action)
        except (TimeoutError, StoreError) as error:
            log.error("click_not_stored", kind=action.kind if action else "unknown", reason=str(error))
            ack = Ack(toast("toast_slow_store", "warning"))
        self._metrics.callback(action.kind if action else "unknown", ack.body.get("toast", {}).get("type", "none"))
        return ack

    async def _act(self, click: CardAction, action: Action | None) -> Ack:
        if action is None:
            return Ack(toast("toast_unknown_action", "warning"))
        found = await self._conversations.look_up(action.answer_id)
        if found is None:
            return Ack(toast("toast_gone", "warning"))
        turn, answer = found
        if (click.app_id, click.chat_id) != (turn.app_id, turn.chat_id):
            return Ack(toast("toast_not_here", "warning"))
        match action.kind:
            case "up" | "down":
                return await self._vote(turn, answer, click, "up" if action.kind == "up" else "down")
            case "reason":
                return await self._give_reason(turn, answer, click)
            case "show":
                await self._conversations.show(turn.id, answer_id=answer.id, reason_asked="")
                return await self._redrawn(turn, click, {})
            case "regenerate":
                return await self._regenerate(turn, click)
            case "stop":
                return await self._stop(turn, click.operator_open_id)
            case _:
                assert_never(action.kind)

    async def _vote(self, turn: Turn, answer: Answer, click: CardAction, vote: Vote) -> Ack:
        """The vote at once; the card's totals, and the question why 👎, after the response."""
        earlier = await self._feedback.vote(answer.id, click.operator_open_id, vote)
        if earlier != vote:
            self._metrics.voted(vote)
        is_private = turn.chat_type == "p2p"
        if is_private:
            await self._conversations.show(turn.id, reason_asked=answer.id if vote == "down" else "")
        elif vote == "down":
            await self._ask_reason(turn, answer, click)
        said = toast("toast_same_vote") if earlier == vote else toast(f"toast_{vote}", "success")
        return await self._redrawn(turn, click, said)

    async def _ask_reason(self, turn: Turn, answer: Answer, click: CardAction) -> None:
        payload = {
            "answer_id": answer.id,
            "chat_id": turn.chat_id,
            "open_id": click.operator_open_id,
            "question": turn.question,
        }
        key = f"reason:{answer.id}:{click.operator_open_id}"  # asked once a person and answer
        await self._jobs.accept(
            NewJob(turn.app_id, "ask_reason", f"reason/{answer.id}/{click.operator_open_id}", payload, (key,))
        )

    async def _give_reason(self, turn: Turn, answer: Answer, click: CardAction) -> Ack:
        given = click.form_value.get("reason")
        reason = given if given in REASONS else "other"
        comment = click.form_value.get("comment")
        words = comment.strip() if isinstance(comment, str) else ""
        stored = await self._feedback.give_reason(answer.id, click.operator_open_id, reason, words)
        said = toast("toast_reason", "success") if stored else toast("toast_reason_without_vote")
        if turn.chat_type == "p2p":
            await self._conversations.show(turn.id, reason_asked="")
            return await self._redrawn(turn, click, said)
        thanks = thanks_card(texts(language_of(turn.question)))
        return Ack({**said, "card": {"type": "raw", "data": thanks}})

    async def _redrawn(self, turn: Turn, click: CardAction, body: dict[str, Any]) -> Ack:
        """Has the card drawn anew after the response; one drawing serves all clicks that wait for it."""
        job = NewJob(turn.app_id, "redraw", f"card/{turn.id}", {}, (f"event:{click.event_id}",), turn.id)
        queued = await self._jobs.enqueue_once(job)
        return Ack(body, self._worker.wake if queued else None)

    async def _regenerate(self, turn: Turn, click: CardAction) -> Ack:
        job = NewJob(
            app_id=turn.app_id,
            kind="regenerate",
            conversation=turn.conversation,
            payload={"by": click.operator_open_id},
            keys=(f"event:{click.event_id}",),
            turn_id=turn.id,
        )
        if not await self._jobs.enqueue(job):
            return Ack(toast("toast_regenerating_already"))
        return Ack(toast("toast_regenerating", "success"), self._worker.wake)

    async def _stop(self, turn: Turn, by: str) -> Ack:
        job_id = await self._jobs.ask_to_stop(turn.id, by=by or "somebody")
        if job_id is None:
            return Ack(toast("toast_nothing_to_stop"))
        return Ack(toast("toast_stopping", "success"), lambda: self._worker.stop_job(job_id, by=by))
