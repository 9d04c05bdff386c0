"""Votes on answers, by a button of the card or by an emoji on it, why 👎, and the pager: what changes a card that is
closed, and begins no answer. The card is drawn anew after the response."""

from dataclasses import replace
from typing import Any

from bot.cards.buttons import thanks_card
from bot.handlers.acknowledgement import Ack, toast
from bot.inbox.queue import Jobs
from bot.inbox.worker import Worker
from bot.intake.policy import Attempt, Policy
from bot.job import CARD_LINE, AskReasonPayload, NewJob, OverBound, RedrawPayload
from bot.models import Answer, Turn
from bot.observability.metrics import Metrics
from bot.repositories.turns import Conversations
from bot.repositories.votes import REASONS, Feedback, Vote
from bot.texts import language_of, texts
from feishu.clock import Clock
from feishu.events.types import CardAction, Reacted

CARD_LIFE_S = 14 * 86_400.0


class Votes:
    """Stores them. What costs more than may be started raises `OverBound` before anything is stored."""

    def __init__(
        self,
        jobs: Jobs,
        conversations: Conversations,
        feedback: Feedback,
        worker: Worker,
        metrics: Metrics,
        policy: Policy,
        *,
        clock: Clock,
    ) -> None:
        self._jobs = jobs
        self._conversations = conversations
        self._feedback = feedback
        self._worker = worker
        self._metrics = metrics
        self._policy = policy
        self._clock = clock

    async def press(self, turn: Turn, answer: Answer, click: CardAction, attempt: Attempt, vote: Vote) -> Ack:
        """The vote at once; the card's totals, and the question why 👎, after the response."""
        await self._check(turn, click, attempt)
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
        return await self._redrawn(turn, click, attempt, said)

    async def give_reason(self, turn: Turn, answer: Answer, click: CardAction, attempt: Attempt) -> Ack:
        """Why 👎, of whom it was asked."""
        await self._check(turn, click, attempt)
        given = click.form_value.get("reason")
        reason = given if given in REASONS else "other"
        comment = click.form_value.get("comment")
        words = comment.strip() if isinstance(comment, str) else ""
        stored = await self._feedback.give_reason(answer.id, click.operator_open_id, reason, words)
        said = toast("toast_reason", "success") if stored else toast("toast_reason_without_vote")
        if turn.chat_type == "p2p":
            await self._conversations.show(turn.id, reason_asked="")
            return await self._redrawn(turn, click, attempt, said)
        thanks = thanks_card(texts(language_of(turn.question)))
        return Ack({**said, "card": {"type": "raw", "data": thanks}})

    async def show(self, turn: Turn, answer: Answer, click: CardAction, attempt: Attempt) -> Ack:
        """Turns the pager to this answer."""
        if self._is_old(turn):
            return Ack(toast("toast_card_old", "warning"))
        await self._check(turn, click, attempt)
        await self._conversations.show(turn.id, answer_id=answer.id, reason_asked="")
        return await self._redrawn(turn, click, attempt, {})

    async def react(self, event: Reacted, vote: Vote, answer_id: str) -> bool:
        """A vote by emoji on the version that the card shows; whether there is work for the worker now. The platform
        offers no way to say to whoever reacted that it does not count, but that is counted."""
        found = await self._conversations.look_up(answer_id)
        job = await self._within_bounds(found[0], event) if found else None
        if job is None:
            return False
        if event.removed:
            await self._feedback.retract(answer_id, event.operator_open_id, vote)
        elif await self._feedback.vote(answer_id, event.operator_open_id, vote) != vote:
            self._metrics.voted(vote)
        return await self._jobs.enqueue_once(replace(job, bounds=None))

    async def _ask_reason(self, turn: Turn, answer: Answer, click: CardAction) -> None:
        payload = AskReasonPayload(answer.id, turn.chat_id, click.operator_open_id, turn.question, turn.chat_type)
        key = f"reason:{answer.id}:{click.operator_open_id}"  # asked once a person and answer
        await self._jobs.accept(
            NewJob(turn.app_id, "ask_reason", f"reason/{answer.id}/{click.operator_open_id}", payload, (key,))
        )

    async def _within_bounds(self, turn: Turn, event: Reacted) -> NewJob | None:
        """The drawing that a reaction asks for; None where it does not count."""
        attempt = Attempt("reaction", event.operator_open_id, turn.chat_id, turn.chat_type, turn.asker)
        if why := self._policy.refusal(attempt, self._clock.time()):
            self._metrics.refused(attempt.deed, why)
            self._metrics.event_received(attempt.deed, "refused")
            return None
        job = self._redraw(turn, event.event_id, attempt)
        try:
            await self._jobs.check(job)
        except OverBound as error:
            self._metrics.refused(attempt.deed, error.bound)
            return None
        return job

    def _is_old(self, turn: Turn) -> bool:
        """Whether the platform lets nobody write to the turn's card any more (200750, 230031)."""
        return self._clock.time() - (turn.card_at or turn.created_at) > CARD_LIFE_S

    async def _check(self, turn: Turn, click: CardAction, attempt: Attempt) -> None:
        """Raises `OverBound` before anything is stored of what costs no more than a drawing of the card."""
        await self._jobs.check(self._redraw(turn, click.event_id, attempt))

    def _redraw(self, turn: Turn, event_id: str, attempt: Attempt) -> NewJob:
        job = NewJob(turn.app_id, "redraw", f"{CARD_LINE}{turn.id}", RedrawPayload(), (f"event:{event_id}",), turn.id)
        return self._policy.priced(job, attempt)

    async def _redrawn(self, turn: Turn, click: CardAction, attempt: Attempt, body: dict[str, Any]) -> Ack:
        """Has the card drawn anew after the response; one drawing serves all clicks that wait for it."""
        queued = await self._jobs.enqueue_once(replace(self._redraw(turn, click.event_id, attempt), bounds=None))
        return Ack(body, self._worker.wake if queued else None)
