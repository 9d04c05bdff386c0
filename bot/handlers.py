"""From an event to a durable fact: a message becomes a job, a click becomes a vote, a stop mark or a job."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, assert_never

import structlog

from bot.access import Access
from bot.asking.clicked import asked_by_click
from bot.asking.commands import parse_command
from bot.asking.identity import Identity
from bot.asking.policy import Ignored, Unaddressed, judge, may_press
from bot.asking.reading import conversation_of
from bot.cards.actions import Action, unpack
from bot.cards.offers import thanks_card
from bot.errors import StoreError
from bot.hearing import Hearing
from bot.inbox.jobs import Jobs, NewJob
from bot.inbox.worker import Worker
from bot.job import CARD_LINE
from bot.models import Answer, Turn
from bot.records.chat_ledger import Ledger
from bot.records.conversations import Conversations
from bot.records.feedback import REASONS, Feedback, Vote
from bot.records.gaps import Gaps
from bot.settings.people import PeopleSettings
from bot.texts import EN, ZH, language_of, texts
from bot.watch.metrics import Metrics
from feishu.clock import Clock, SystemClock
from feishu.events import CardAction, Event, MessageReceived, Unknown, text_of

log = structlog.get_logger(__name__)

MESSAGE_EVENT = "im.message.receive_v1"
CARD_LIFE_S = 14 * 86_400.0
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
        self._access = access
        self._clock = clock or SystemClock()
        self._hearing = Hearing(jobs, ledger, feedback, metrics)
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
        is_command = parse_command(text_of(message, bot_open_id=bot_open_id or "")) is not None
        started_at = time.perf_counter()
        fresh = await self._jobs.accept(
            NewJob(
                app_id=message.app_id,
                kind="answer",
                # A command does not wait for the answer that is being written.
                conversation=f"command/{message.message_id}" if is_command else conversation_of(message),
                payload={"message": message, "undecided": getattr(verdict, "undecided", False), "heard": heard},
                keys=(f"event:{message.event_id}", f"message:{message.message_id}"),
                asker=message.sender_open_id,
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
        if action.kind == "ask":
            return await self._ask(click, action.answer_id)
        found = await self._conversations.look_up(action.answer_id)
        if found is None:
            return Ack(toast("toast_gone", "warning"))
        turn, answer = found
        # The form why 👎 may stand in private, where the group has no cards for one person; it needs the person's vote.
        is_elsewhere = click.chat_id != turn.chat_id and action.kind != "reason"
        if click.app_id != turn.app_id or is_elsewhere:
            return Ack(toast("toast_not_here", "warning"))
        if not may_press(action.kind, click.operator_open_id, turn.asker, self._people):
            return Ack(toast("toast_not_yours"))
        match action.kind:
            case "person":
                return await self._ask_person(turn, answer, click)
            case "up" | "down":
                return await self._vote(turn, answer, click, "up" if action.kind == "up" else "down")
            case "reason":
                return await self._give_reason(turn, answer, click)
            case "show":
                if self._is_old(turn):
                    return Ack(toast("toast_card_old", "warning"))
                await self._conversations.show(turn.id, answer_id=answer.id, reason_asked="")
                return await self._redrawn(turn, click, {})
            case "regenerate":
                return await self._regenerate(turn, click)
            case "continue":
                return await self._continue(turn, answer, click)
            case "stop":
                return await self._stop(turn, click.operator_open_id)
            case _:
                assert_never(action.kind)

    async def _ask(self, click: CardAction, suggestion_id: str) -> Ack:
        """A suggested question, asked in the clicker's name below the card that suggests it."""
        found = await self._ledger.suggestion(suggestion_id)
        if found is None:
            return Ack(toast("toast_gone", "warning"))
        if (click.app_id, click.chat_id) != (found.app_id, found.chat_id):
            return Ack(toast("toast_not_here", "warning"))
        scope = self._access.in_chat(found.chat_id, found.chat_type, click.operator_open_id)
        if not scope.shows([found.collection] if found.collection else []):
            return Ack(toast("toast_gone", "warning"))
        message = asked_by_click(click, found)
        payload = {"message": message, "undecided": False, "heard": "mention", "parent_turn": found.turn_id}
        payload["collection"] = found.collection
        keys = (f"event:{click.event_id}", f"ask:{suggestion_id}:{click.operator_open_id}")
        job = NewJob(click.app_id, "answer", found.conversation, payload, keys, asker=click.operator_open_id)
        if not await self._jobs.accept(job):
            return Ack(toast("toast_asked_already"))
        return Ack(toast("toast_asking", "success"), self._worker.wake)

    async def _ask_person(self, turn: Turn, answer: Answer, click: CardAction) -> Ack:
        keys = (f"event:{click.event_id}", f"person:{turn.id}")
        job = NewJob(turn.app_id, "ask_person", f"person/{turn.id}", {"answer_id": answer.id}, keys)
        if not await self._jobs.accept(job):
            return Ack(toast("toast_person_already"))
        return Ack(toast("toast_person", "success"), self._worker.wake)

    async def _vote(self, turn: Turn, answer: Answer, click: CardAction, vote: Vote) -> Ack:
        """The vote at once; the card's totals, and the question why 👎, after the response."""
        earlier = await self._feedback.vote(answer.id, click.operator_open_id, vote)
        if earlier != vote:
            self._metrics.voted(vote)
        is_old = self._is_old(turn)
        if turn.chat_type == "p2p":
            await self._conversations.show(turn.id, reason_asked=answer.id if vote == "down" else "")
        elif vote == "down":
            await self._ask_reason(turn, answer, click)
        if is_old:
            return Ack(toast("toast_voted_old", "success"))
        said = toast("toast_same_vote") if earlier == vote else toast(f"toast_{vote}", "success")
        return await self._redrawn(turn, click, said)

    def _is_old(self, turn: Turn) -> bool:
        """Whether the platform lets nobody write to the turn's card any more (200750, 230031)."""
        return self._clock.time() - (turn.card_at or turn.created_at) > CARD_LIFE_S

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
        job = NewJob(turn.app_id, "redraw", f"{CARD_LINE}{turn.id}", {}, (f"event:{click.event_id}",), turn.id)
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

    async def _continue(self, turn: Turn, answer: Answer, click: CardAction) -> Ack:
        """Goes on with the version that the card shows, once, however often it is pressed."""
        state = await self._conversations.card_state(turn.id)
        if state is None or state.answer.id != answer.id or not answer.can_continue:
            return Ack(toast("toast_nothing_to_continue"))
        job = NewJob(
            app_id=turn.app_id,
            kind="continue",
            conversation=turn.conversation,
            payload={"by": click.operator_open_id, "answer_id": answer.id},
            keys=(f"event:{click.event_id}", f"continue:{answer.id}:{len(state.versions)}"),
            turn_id=turn.id,
        )
        if not await self._jobs.enqueue(job):
            return Ack(toast("toast_continuing_already"))
        return Ack(toast("toast_continuing", "success"), self._worker.wake)

    async def _stop(self, turn: Turn, by: str) -> Ack:
        job_id = await self._jobs.ask_to_stop(turn.id, by=by or "somebody")
        if job_id is None:
            return Ack(toast("toast_nothing_to_stop"))
        return Ack(toast("toast_stopping", "success"), lambda: self._worker.stop_job(job_id, by=by))
