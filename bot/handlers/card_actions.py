"""From a press on a card's button to a durable fact: a vote, a stop mark, a job. It is answered with a toast."""

import asyncio
from typing import assert_never

import orjson
import structlog

from bot.access.rules import Access
from bot.cards.buttons import Action, ActionKind, unpack
from bot.errors import StoreError
from bot.handlers.acknowledgement import Ack, toast
from bot.handlers.approvals import Approvals
from bot.handlers.votes import Votes
from bot.inbox.queue import Jobs
from bot.inbox.worker import Worker
from bot.intake.policy import Attempt, Deed, Policy, Refusal
from bot.job import (
    AnswerPayload,
    AskPersonPayload,
    ContinuePayload,
    MoreSourcesPayload,
    NewJob,
    OverBound,
    PressedPayload,
)
from bot.models import Answer, Turn, separated
from bot.observability.metrics import Metrics
from bot.repositories.chat_facts import ChatFacts, Suggestion
from bot.repositories.turns import Conversations
from feishu.clock import Clock
from feishu.events.types import CardAction, MessageReceived

log = structlog.get_logger(__name__)

CARD_LIFE_S = 14 * 86_400.0
CALLBACK_BUDGET_S = 2.0  # the platform waits 3 s end to end
DEEDS: dict[ActionKind, Deed] = {
    "up": "vote",
    "down": "vote",
    "regenerate": "regenerate",
    "continue": "continue",
    "stop": "stop",
    "show": "show",
    "reason": "reason",
    "ask": "suggestion",
    "person": "person",
    "private": "suggestion",
    "approve": "approve",
    "keep": "approve",
    "withdraw": "approve",
    "own_write": "approve",
    "own_right": "approve",
    "own_obsolete": "approve",
    "own_not_mine": "approve",
}
DECISIONS = tuple(kind for kind, deed in DEEDS.items() if deed == "approve")
"""Presses about a verified answer or an owner's documents, and not about an answer on a card."""


class CardActionHandler:
    """Decides by `bot.intake.policy` who may press, then stores what was pressed."""

    def __init__(
        self,
        conversations: Conversations,
        votes: Votes,
        requests: "AnswerRequests",
        approvals: Approvals,
        policy: Policy,
        metrics: Metrics,
        *,
        clock: Clock,
    ) -> None:
        self._conversations = conversations
        self._votes = votes
        self._requests = requests
        self._approvals = approvals
        self._policy = policy
        self._metrics = metrics
        self._clock = clock

    async def take(self, click: CardAction) -> Ack:
        """A toast whatever happens: the platform shows people an error code for anything else."""
        action = unpack(click.value)
        try:
            async with asyncio.timeout(CALLBACK_BUDGET_S):
                ack = await self._act(click, action)
        except (TimeoutError, StoreError) as error:
            log.error("click_not_stored", kind=action.kind if action else "unknown", reason=str(error) or "timeout")
            ack = Ack(toast("toast_slow_store", "warning"))
        self._metrics.callback(action.kind if action else "unknown", ack.body.get("toast", {}).get("type", "none"))
        return ack

    async def _act(self, click: CardAction, action: Action | None) -> Ack:
        if action is None:
            return Ack(toast("toast_unknown_action", "warning"))
        if action.kind == "ask":
            return await self._on_suggestion(click, action.answer_id)
        if action.kind in DECISIONS:
            return await self._on_decision(click, action)
        found = await self._conversations.look_up(action.answer_id)
        if found is None:
            return Ack(toast("toast_gone", "warning"))
        turn, answer = found
        # The form why 👎 may stand in private, where the group has no cards for one person; it needs the person's vote.
        # So may the offer to answer in private, which the asker alone gets.
        is_elsewhere = click.chat_id != turn.chat_id and action.kind not in ("reason", "private")
        if click.app_id != turn.app_id or is_elsewhere:
            return Ack(toast("toast_not_here", "warning"))
        attempt = Attempt(DEEDS[action.kind], click.operator_open_id, turn.chat_id, turn.chat_type, turn.asker)
        if why := self._policy.refusal(attempt, self._clock.time()):
            return self._refused(attempt.deed, why)
        try:
            return await self._do(action.kind, turn, answer, click, attempt)
        except OverBound as error:
            return self._refused(attempt.deed, error.bound)

    async def _do(self, kind: ActionKind, turn: Turn, answer: Answer, click: CardAction, attempt: Attempt) -> Ack:
        match kind:
            case "up" | "down":
                return await self._votes.press(turn, answer, click, attempt, "up" if kind == "up" else "down")
            case "reason":
                return await self._votes.give_reason(turn, answer, click, attempt)
            case "show":
                return await self._votes.show(turn, answer, click, attempt)
            case "person":
                return await self._requests.ask_person(turn, answer, click, attempt)
            case "private":
                return await self._requests.ask_privately(turn, answer, click, attempt)
            case "regenerate":
                return await self._requests.regenerate(turn, click, attempt)
            case "continue":
                return await self._requests.go_on(turn, answer, click, attempt)
            case "stop":
                return await self._requests.stop(turn, click.operator_open_id)
            case "ask" | "approve" | "keep" | "withdraw" | "own_write" | "own_right" | "own_obsolete" | "own_not_mine":
                raise AssertionError(f"{kind} belongs to no answer")
            case _:
                assert_never(kind)

    async def _on_decision(self, click: CardAction, action: Action) -> Ack:
        attempt = Attempt(DEEDS[action.kind], click.operator_open_id, click.chat_id, "p2p")
        if why := self._policy.refusal(attempt, self._clock.time()):
            return self._refused(attempt.deed, why)
        return await self._approvals.press(click, action)

    async def _on_suggestion(self, click: CardAction, suggestion_id: str) -> Ack:
        found = await self._requests.suggestion(suggestion_id)
        if found is None:
            return Ack(toast("toast_gone", "warning"))
        if (click.app_id, click.chat_id) != (found.app_id, found.chat_id):
            return Ack(toast("toast_not_here", "warning"))
        attempt = Attempt("suggestion", click.operator_open_id, found.chat_id, found.chat_type)
        if why := self._policy.refusal(attempt, self._clock.time()):
            return self._refused(attempt.deed, why)
        try:
            return await self._requests.ask(click, found, attempt)
        except OverBound as error:
            return self._refused(attempt.deed, error.bound)

    def _refused(self, deed: Deed, why: Refusal) -> Ack:
        self._metrics.refused(deed, why)
        return Ack(toast("toast_too_many" if why == "too_many" else f"refused_{why}"))


class AnswerRequests:
    """Presses that begin an answer, end one, or ask a person for one: each becomes a job, or a stop mark. Those that
    cost something raise `OverBound`."""

    def __init__(
        self,
        jobs: Jobs,
        conversations: Conversations,
        ledger: ChatFacts,
        worker: Worker,
        policy: Policy,
        access: Access,
    ) -> None:
        self._jobs = jobs
        self._conversations = conversations
        self._ledger = ledger
        self._worker = worker
        self._policy = policy
        self._access = access

    async def suggestion(self, suggestion_id: str) -> Suggestion | None:
        """The question behind a button; None for one that is stored no more."""
        return await self._ledger.suggestion(suggestion_id)

    async def ask(self, click: CardAction, found: Suggestion, attempt: Attempt) -> Ack:
        """A suggested question, asked in the clicker's name below the card that suggests it."""
        scope = self._access.in_chat(found.chat_id, found.chat_type, click.operator_open_id)
        # Of collections alone: the job asks who may open the document, which may take calls to the platform.
        if not scope.shows(separated(found.collection)):
            return Ack(toast("toast_gone", "warning"))
        message = asked_by_click(click, found)
        payload = AnswerPayload(message, False, "mention", found.turn_id, found.collection)
        keys = (f"event:{click.event_id}", f"ask:{found.id}:{click.operator_open_id}")
        job = NewJob(click.app_id, "answer", found.conversation, payload, keys)
        if not await self._jobs.accept(self._policy.priced(job, attempt)):
            return Ack(toast("toast_asked_already"))
        return Ack(toast("toast_asking", "success"), self._worker.wake)

    async def ask_person(self, turn: Turn, answer: Answer, click: CardAction, attempt: Attempt) -> Ack:
        """The owners of the documents are asked, once a turn."""
        keys = (f"event:{click.event_id}", f"person:{turn.id}")
        payload = AskPersonPayload(answer.id, turn.chat_type)
        job = NewJob(turn.app_id, "ask_person", f"person/{turn.id}", payload, keys)
        if not await self._jobs.accept(self._policy.priced(job, attempt)):
            return Ack(toast("toast_person_already"))
        return Ack(toast("toast_person", "success"), self._worker.wake)

    async def ask_privately(self, turn: Turn, answer: Answer, click: CardAction, attempt: Attempt) -> Ack:
        """The question is answered in its asker's private chat, once."""
        if click.operator_open_id != turn.asker:
            return Ack(toast("refused_not_yours"))
        payload = MoreSourcesPayload(answer.id, turn.standalone or turn.question, accepted=True)
        keys = (f"event:{click.event_id}", f"private:{answer.id}")
        job = NewJob(turn.app_id, "more_sources", f"more-sources/{turn.asker}", payload, keys)
        if not await self._jobs.accept(self._policy.priced(job, attempt)):
            return Ack(toast("toast_asked_already"))
        return Ack(toast("toast_private", "success"), self._worker.wake)

    async def regenerate(self, turn: Turn, click: CardAction, attempt: Attempt) -> Ack:
        """Another version of the answer, one at a time."""
        job = NewJob(
            app_id=turn.app_id,
            kind="regenerate",
            conversation=turn.conversation,
            payload=PressedPayload(click.operator_open_id, turn.asker, turn.chat_type),
            keys=(f"event:{click.event_id}",),
            turn_id=turn.id,
        )
        if not await self._jobs.enqueue(self._policy.priced(job, attempt)):
            return Ack(toast("toast_regenerating_already"))
        return Ack(toast("toast_regenerating", "success"), self._worker.wake)

    async def go_on(self, turn: Turn, answer: Answer, click: CardAction, attempt: Attempt) -> Ack:
        """Goes on with the version that the card shows, once, however often it is pressed."""
        state = await self._conversations.card_state(turn.id)
        if state is None or state.answer.id != answer.id or not answer.can_continue:
            return Ack(toast("toast_nothing_to_continue"))
        job = NewJob(
            app_id=turn.app_id,
            kind="continue",
            conversation=turn.conversation,
            payload=ContinuePayload(click.operator_open_id, turn.asker, turn.chat_type, answer.id),
            keys=(f"event:{click.event_id}", f"continue:{answer.id}:{len(state.versions)}"),
            turn_id=turn.id,
        )
        if not await self._jobs.enqueue(self._policy.priced(job, attempt)):
            return Ack(toast("toast_continuing_already"))
        return Ack(toast("toast_continuing", "success"), self._worker.wake)

    async def stop(self, turn: Turn, by: str) -> Ack:
        """Marks the answer that is being written; the worker ends it after the response."""
        job_id = await self._jobs.ask_to_stop(turn.id, by=by or "somebody")
        if job_id is None:
            return Ack(toast("toast_nothing_to_stop"))
        return Ack(toast("toast_stopping", "success"), lambda: self._worker.stop_job(job_id, by=by))


def asked_by_click(click: CardAction, found: Suggestion) -> MessageReceived:
    """The question of a button as if the clicker had written it in reply to the card."""
    _, _, thread_id = found.conversation.partition("/")
    return MessageReceived(
        app_id=click.app_id,
        tenant_key=click.tenant_key,
        event_id=click.event_id,
        created_at=click.created_at,
        message_id=click.message_id,
        chat_id=click.chat_id,
        chat_type=found.chat_type,
        thread_id=thread_id,
        root_id="",
        parent_id="",
        message_type="text",
        content=orjson.dumps({"text": found.question}).decode(),
        mentions=(),
        sender_open_id=click.operator_open_id,
        sender_type="user",
    )
