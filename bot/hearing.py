"""Events around messages become durable facts: a vote by emoji, a question taken back, a welcome, a menu's entry."""

from typing import assert_never

from bot.inbox.jobs import Jobs, NewJob
from bot.job import CARD_LINE
from bot.records.chat_ledger import Ledger
from bot.records.feedback import Feedback, Vote
from bot.watch.metrics import Metrics
from feishu.chat_events import BotAdded, ChatEvent, MenuUsed, PrivateChatEntered, Reacted, Recalled

VOTES: dict[str, Vote] = {"THUMBSUP": "up", "ThumbsDown": "down"}


class Hearing:
    """Takes chat events. Each method gives whether there is work for the worker now."""

    def __init__(self, jobs: Jobs, ledger: Ledger, feedback: Feedback, metrics: Metrics) -> None:
        self._jobs = jobs
        self._ledger = ledger
        self._feedback = feedback
        self._metrics = metrics

    async def take(self, event: ChatEvent) -> tuple[bool, int | None]:
        """Whether to wake the worker, and a job to stop. Raises `StoreError`."""
        match event:
            case Reacted():
                return await self._react(event), None
            case Recalled():
                return await self._recall(event)
            case BotAdded():
                return await self._welcome(event, event.chat_id, "group", ""), None
            case PrivateChatEntered():
                return await self._welcome(event, event.chat_id, "p2p", event.operator_open_id), None
            case MenuUsed():
                payload = {"open_id": event.operator_open_id, "key": event.key}
                return await self._accept(event, "menu", f"menu/{event.operator_open_id}", payload), None
            case _:
                assert_never(event)

    async def _accept(self, event: ChatEvent, kind: str, lane: str, payload: dict[str, str], *more: str) -> bool:
        keys = (f"event:{event.event_id}", *more)
        fresh = await self._jobs.accept(NewJob(event.app_id, kind, lane, payload, keys))  # type: ignore[arg-type]
        self._metrics.event_received(kind, "accepted" if fresh else "duplicate")
        return fresh

    async def _welcome(self, event: ChatEvent, chat_id: str, chat_type: str, person: str) -> bool:
        """Once a chat, however often somebody enters it."""
        if await self._ledger.noted(event.app_id, f"welcome:{chat_id}"):
            self._metrics.event_received("welcome", "ignored")
            return False
        payload = {"chat_id": chat_id, "chat_type": chat_type, "person": person}
        return await self._accept(event, "welcome", f"welcome/{chat_id}", payload, f"welcome:{chat_id}")

    async def _recall(self, event: Recalled) -> tuple[bool, int | None]:
        await self._ledger.recall(event.app_id, event.message_id)
        job_id = await self._jobs.ask_to_stop_message(event.app_id, event.message_id, by="recalled")
        payload = {"message_id": event.message_id}
        return await self._accept(event, "recalled", f"recalled/{event.message_id}", payload), job_id

    async def _react(self, event: Reacted) -> bool:
        """👍 and 👎 on an answer's card are votes on the version that it shows."""
        vote = VOTES.get(event.emoji)
        found = None
        if vote and event.operator_type == "user" and event.operator_open_id:
            found = await self._ledger.turn_of_card(event.app_id, (event.message_id,))
        if not vote or not found or not found[1]:
            self._metrics.event_received("reaction", "ignored")
            return False
        turn_id, answer_id, _ = found
        if event.removed:
            await self._feedback.retract(answer_id, event.operator_open_id, vote)
        elif await self._feedback.vote(answer_id, event.operator_open_id, vote) != vote:
            self._metrics.voted(vote)
        key = f"event:{event.event_id}"
        return await self._jobs.enqueue_once(
            NewJob(event.app_id, "redraw", f"{CARD_LINE}{turn_id}", {}, (key,), turn_id)
        )
